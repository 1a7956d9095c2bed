//! Where the time of a training step goes: `cargo xtask bench`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod learners;

use std::time::Instant;

use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Int, Tensor, TensorData};
use learners::{Batch, Case, LEARNING_RATE, described, device, loss, median};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_core::{ContinualLearner, SynapticAdamConfig, SynapticIntelligenceConfig};

/// The parts of a step, in order; the last two are of two learners.
const PARTS: [&str; 6] = [
    "batch",
    "forwards, loss",
    "backwards",
    "gradients by parameter",
    "Adam",
    "synaptic Adam, SI",
];
/// Batches that the images are drawn from.
const POOL: usize = 16;

fn main() {
    let (device, name) = device();
    println!(
        "{}: median of each part, in ms, and by the plain step\n",
        described(&name)
    );
    println!("| network | {} |", PARTS.join(" | "));
    println!("|---|{}", "---|".repeat(PARTS.len()));
    for (case, num_steps) in Case::of_the_paper(&device).into_iter().zip([300, 30, 8]) {
        let parts = measure(&case, num_steps);
        let plain: f64 = parts[..5].iter().sum();
        let cells = parts.map(|part| format!("{:.3} ({:.2})", part * 1e3, part / plain));
        println!("| {} | {} |", case.name, cells.join(" | "));
    }
}

/// Median seconds of each part.
fn measure(case: &Case, num_steps: usize) -> [f64; 6] {
    let rng = &mut ChaCha8Rng::seed_from_u64(0);
    let mut model = case.network.init(rng, &case.device);
    let mut adam = AdamConfig::new().init();
    let config = SynapticIntelligenceConfig::new();
    let mut learner =
        ContinualLearner::new(model.clone(), &config).expect("the default settings are valid");
    let mut synaptic = SynapticAdamConfig::new().init();
    let pool: Vec<Batch> = (0..POOL).map(|_| case.batch(rng)).collect();
    let (images, labels) = pool.into_iter().unzip();
    let (images, labels): (Tensor<2>, _) = (Tensor::cat(images, 0), Tensor::cat(labels, 0));
    let mut seconds: [Vec<f64>; 6] = Default::default();
    for step in 0..num_steps {
        // In its second task.
        if step == num_steps / 4 {
            learner.end_task();
            seconds = Default::default();
        }
        let places: Vec<i32> = (0..case.batch_size)
            .map(|_| rng.random_range(0..(POOL * case.batch_size) as i32))
            .collect();
        let mut start = Instant::now();
        let mut part = |index: usize, seconds: &mut [Vec<f64>; 6]| {
            case.wait();
            let now = Instant::now();
            seconds[index].push((now - start).as_secs_f64());
            start = Instant::now();
        };
        let places = TensorData::new(places, [case.batch_size]);
        let places = Tensor::<1, Int>::from_data(places, &case.device);
        let batch = (
            images.clone().select(0, places.clone()),
            labels.clone().select(0, places),
        );
        part(0, &mut seconds);
        let of_plain = loss(&model, batch.clone());
        part(1, &mut seconds);
        let grads = of_plain.backward();
        part(2, &mut seconds);
        let grads = GradientsParams::from_grads(grads, &model);
        part(3, &mut seconds);
        model = adam.step(LEARNING_RATE, model, grads);
        part(4, &mut seconds);
        let grads = GradientsParams::from_grads(loss(&learner, batch).backward(), &learner);
        part(5, &mut [const { Vec::new() }; 6]);
        learner = learner.optimize(&mut synaptic, LEARNING_RATE, grads);
        part(5, &mut seconds);
    }
    seconds.map(median)
}
