//! What a training loop on the CPU gains by what is around it: `cargo xtask bench`.
//!
//! Each measurement is a process of its own, which is this program again with the network's and the surroundings'
//! places in `SI_BENCH_PLACES`. They take turns.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod learners;

use std::env;

use learners::{Case, described, device, median, this_program};
use si_bench::{TUNABLES, in_pool, keep_buffers, keeps_to_its_threads};

const PLACES: &str = "SI_BENCH_PLACES";
const NUM_ROUNDS: usize = 5;
/// Steps of each of the paper's networks in a process.
const NUM_STEPS: [usize; 3] = [200, 12, 3];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Surroundings {
    /// As a program is that does nothing about it.
    Plain,
    KeptBuffers,
    KeptBuffersInPool,
}

const ALL: [Surroundings; 3] = [
    Surroundings::Plain,
    Surroundings::KeptBuffers,
    Surroundings::KeptBuffersInPool,
];

fn main() {
    let (device, name) = device();
    let cases = Case::of_the_paper(&device);
    if let Ok(places) = env::var(PLACES) {
        let (case, surroundings) = places.split_once(' ').expect("two numbers");
        let [case, surroundings]: [usize; 2] =
            [case, surroundings].map(|place| place.parse().expect("it is a number"));
        let measure = || cases[case].measure_plain(NUM_STEPS[case]);
        let seconds = match ALL[surroundings] {
            Surroundings::KeptBuffersInPool => in_pool(measure),
            Surroundings::Plain | Surroundings::KeptBuffers => measure(),
        };
        println!("{seconds}");
        return;
    }
    if !keeps_to_its_threads(&name) {
        println!("{name}: not measured, as its work is not done by this program's threads");
        return;
    }
    println!(
        "{}: median of a plain step, in ms; in brackets: relative to the first column\n",
        described(&name)
    );
    println!("| network | nothing | kept buffers | kept buffers, rayon's pool |");
    println!("|---|---|---|---|");
    for (index, case) in cases.iter().enumerate() {
        let [plain, kept, in_pool] = measure(index);
        println!(
            "| {} | {:.2} | {:.2} ({:.3}) | {:.2} ({:.3}) |",
            case.name,
            plain * 1e3,
            kept * 1e3,
            kept / plain,
            in_pool * 1e3,
            in_pool / plain,
        );
    }
}

/// Median seconds in each of the surroundings.
fn measure(case: usize) -> [f64; 3] {
    let mut seconds: [Vec<f64>; 3] = Default::default();
    for round in 0..NUM_ROUNDS {
        // None always runs in the same one's wake.
        for place in (0..3).map(|place| (place + round) % 3) {
            seconds[place].push(measure_in_process(case, place));
        }
    }
    seconds.map(median)
}

fn measure_in_process(case: usize, place: usize) -> f64 {
    let mut command = this_program();
    command.env(PLACES, format!("{case} {place}"));
    match ALL[place] {
        Surroundings::Plain => command.env_remove(TUNABLES),
        Surroundings::KeptBuffers | Surroundings::KeptBuffersInPool => keep_buffers(&mut command),
    };
    let output = command.output().expect("it runs again");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().expect("it prints its seconds")
}
