//! What a training step of each method takes beside plain training: `cargo xtask bench`.
//!
//! All methods take turns, some steps in a row, so that each finds in the caches what it left there.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod learners;

use learners::{as_si_trains, described, device, median};
use si_bench::Error;
use si_bench::experiment::{Experiment, ExperimentConfig, Rounds, StepTimes};

const ROUNDS: Rounds = Rounds {
    num_rounds: 21,
    num_steps: 24,
    num_ends: 7,
};

fn main() {
    as_si_trains(measure_all);
}

fn measure_all() {
    let (_, name) = device();
    let times = times(&name).unwrap_or_else(|error| panic!("{error}"));
    let plain = times.iter().find(|it| it.condition.name == "none");
    let plain = plain.expect("the table of methods has plain training");
    let seconds = median(plain.step_seconds.clone());
    println!(
        "{}: median of {} rounds of {} steps, in steps of `none`, one of which takes {:.3} ms\n",
        described(&name),
        ROUNDS.num_rounds,
        ROUNDS.num_steps,
        seconds * 1e3
    );
    println!("| method | step | end of a task |");
    println!("|---|---|---|");
    for of_method in &times {
        let end = if of_method.end_seconds.is_empty() {
            "–".to_string()
        } else {
            format!("{:.1}", median(of_method.end_seconds.clone()) / seconds)
        };
        let label = of_method.condition.label();
        println!("| {label} | {:.3} | {end} |", ratio(of_method, plain));
    }
}

fn times(device: &str) -> Result<Vec<StepTimes>, Error> {
    let config = ExperimentConfig {
        device: device.to_string(),
        ..ExperimentConfig::paper(Experiment::SplitMnist)
    };
    config.with_every_method()?.time_steps(ROUNDS)
}

/// The median over the rounds of the time of a step, relative to `plain` in the same round.
fn ratio(of_method: &StepTimes, plain: &StepTimes) -> f64 {
    let rounds = of_method.step_seconds.iter().zip(&plain.step_seconds);
    median(rounds.map(|(step, plain)| step / plain).collect())
}
