//! Where the time of a training step goes: `cargo xtask bench`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod learners;

use std::time::Instant;

use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Int, Tensor, TensorData};
use learners::{Batch, Case, LEARNING_RATE, as_si_trains, described, device, loss, median};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_core::{ContinualLearner, SynapticAdamConfig, SynapticIntelligenceConfig};

/// Parts of training steps, each of which goes on where another ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Batch,
    Forwards,
    Backwards,
    Sorting,
    Adam,
    Penalize,
    PathIntegral,
    SynapticAdam,
}

impl Part {
    const ALL: [Part; 8] = [
        Part::Batch,
        Part::Forwards,
        Part::Backwards,
        Part::Sorting,
        Part::Adam,
        Part::Penalize,
        Part::PathIntegral,
        Part::SynapticAdam,
    ];
    /// Parts of a plain step, which are the first.
    const NUM_PLAIN: usize = 5;

    fn name(self) -> &'static str {
        match self {
            Part::Batch => "batch",
            Part::Forwards => "forwards, loss",
            Part::Backwards => "backwards",
            Part::Sorting => "gradients by parameter",
            Part::Adam => "Adam",
            Part::Penalize => "penalty's gradient",
            Part::PathIntegral => "path integral",
            Part::SynapticAdam => "synaptic Adam, SI",
        }
    }
}

/// Batches that the images are drawn from.
const POOL: usize = 16;

fn main() {
    as_si_trains(measure_all);
}

fn measure_all() {
    let (device, name) = device();
    println!(
        "{}: median of each part, in ms; in brackets: relative to the step without consolidation\n",
        described(&name)
    );
    println!("| network | {} |", Part::ALL.map(Part::name).join(" | "));
    println!("|---|{}", "---|".repeat(Part::ALL.len()));
    for (case, num_steps) in Case::of_the_paper(&device).into_iter().zip([300, 30, 8]) {
        let parts = measure(&case, num_steps);
        let plain: f64 = parts[..Part::NUM_PLAIN].iter().sum();
        let cells = parts.map(|part| format!("{:.3} ({:.2})", part * 1e3, part / plain));
        println!("| {} | {} |", case.name, cells.join(" | "));
    }
}

/// Median seconds of each part.
fn measure(case: &Case, num_steps: usize) -> [f64; Part::ALL.len()] {
    let rng = &mut ChaCha8Rng::seed_from_u64(0);
    let mut plain = case.network.init(rng, &case.device);
    let mut consolidated = plain.clone();
    let mut adam_of_plain = AdamConfig::new().init();
    let mut adam = AdamConfig::new().init();
    let config = SynapticIntelligenceConfig::new();
    let mut regularizer = config.init().expect("the default settings are valid");
    let mut learner =
        ContinualLearner::new(plain.clone(), &config).expect("the default settings are valid");
    let mut synaptic_adam = SynapticAdamConfig::new().init();
    let pool: Vec<Batch> = (0..POOL).map(|_| case.batch(rng)).collect();
    let (images, labels) = pool.into_iter().unzip();
    let (images, labels): (Tensor<2>, _) = (Tensor::cat(images, 0), Tensor::cat(labels, 0));
    let mut seconds = [const { Vec::new() }; Part::ALL.len()];
    for step in 0..num_steps {
        // In its second task.
        if step == num_steps / 4 {
            learner.end_task();
            regularizer.consolidate(&consolidated);
            seconds = [const { Vec::new() }; Part::ALL.len()];
        }
        let places: Vec<i32> = (0..case.batch_size)
            .map(|_| rng.random_range(0..(POOL * case.batch_size) as i32))
            .collect();
        let mut clock = Clock::start(case, &mut seconds);
        let places = TensorData::new(places, [case.batch_size]);
        let places = Tensor::<1, Int>::from_data(places, &case.device);
        let batch = (
            images.clone().select(0, places.clone()),
            labels.clone().select(0, places),
        );
        clock.is_done(Part::Batch);
        let of_plain = loss(&plain, batch.clone());
        clock.is_done(Part::Forwards);
        let grads = of_plain.backward();
        clock.is_done(Part::Backwards);
        let grads = GradientsParams::from_grads(grads, &plain);
        clock.is_done(Part::Sorting);
        plain = adam_of_plain.step(LEARNING_RATE, plain, grads);
        clock.is_done(Part::Adam);

        let grads = loss(&consolidated, batch.clone()).backward();
        let grads = GradientsParams::from_grads(grads, &consolidated);
        clock.restart();
        let grads = regularizer.penalize(&consolidated, grads);
        clock.is_done(Part::Penalize);
        consolidated = adam.step(LEARNING_RATE, consolidated, grads);
        clock.restart();
        regularizer.observe(&consolidated);
        clock.is_done(Part::PathIntegral);

        let grads = GradientsParams::from_grads(loss(&learner, batch).backward(), &learner);
        clock.restart();
        learner = learner.optimize(&mut synaptic_adam, LEARNING_RATE, grads);
        clock.is_done(Part::SynapticAdam);
    }
    seconds.map(median)
}

/// Takes the time of one part after the other.
struct Clock<'a> {
    case: &'a Case,
    seconds: &'a mut [Vec<f64>; Part::ALL.len()],
    start: Instant,
}

impl<'a> Clock<'a> {
    fn start(case: &'a Case, seconds: &'a mut [Vec<f64>; Part::ALL.len()]) -> Self {
        Self {
            case,
            seconds,
            start: Instant::now(),
        }
    }

    fn is_done(&mut self, part: Part) {
        self.case.wait();
        self.seconds[part as usize].push(self.start.elapsed().as_secs_f64());
        self.start = Instant::now();
    }

    fn restart(&mut self) {
        self.case.wait();
        self.start = Instant::now();
    }
}
