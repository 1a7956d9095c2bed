//! A stream of digits whose task changes without notice: from time to time, the pixels change places. A detector tells
//! it from the losses, and what was learnt until then is consolidated.
//!
//! ```sh
//! cargo run --bin task_free
//! ```
//!
//! Prints the steps at which it consolidated next to the true ones, and the test accuracy on all tasks in the end, without
//! consolidation (strength 0) and with it.
//!
//! To copy it, take `mnist.rs` too, and depend on `burn` with its feature `flex`, `si-core`, `anyhow`, `si-mnist`, and
//! `rand` with its feature `chacha`.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

mod mnist;

use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::activation::relu;
use mnist::Digit;
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};
use si_core::boundary::ShiftDetectorConfig;
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

const NUM_TASKS: usize = 5;
const STEPS_PER_TASK: usize = 300;

/// The images of a task and their labels: the pixels are in an order of the task's own, `[batch, 784]`.
fn batch(digits: &[Digit], task: usize, device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let mut order: Vec<i32> = (0..784).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(task as u64));
    let (images, labels) = mnist::batch(digits, device);
    let order = Tensor::from_data(order.as_slice(), device);
    (images.select(1, order), labels)
}

/// Logits: `[batch, 784]` to `[batch, 10]`.
fn forward([hidden, readout]: &[Linear; 2], images: Tensor<2>) -> Tensor<2> {
    readout.forward(relu(hidden.forward(images)))
}

/// Learns the stream, and prints when it consolidated and how well all tasks are known in the end.
fn learn(strength: f64, [train, test]: &[Vec<Digit>; 2]) -> anyhow::Result<()> {
    let device = Device::flex();
    device.seed(0);
    let training = device.clone().autodiff();
    let model = [(784, 256), (256, 10)].map(|(i, o)| LinearConfig::new(i, o).init(&training));
    let config = SynapticIntelligenceConfig::new().with_damping(0.1);
    let mut model = ContinualLearner::new(model, &config.with_strength(strength))?;
    let mut optimizer = AdamConfig::new().init();
    let mut detector = ShiftDetectorConfig::new().init()?;
    let cross_entropy = CrossEntropyLossConfig::new().init(&training);
    let mut steps = Vec::new();
    for task in 0..NUM_TASKS {
        for digits in train.chunks(64).take(STEPS_PER_TASK) {
            let (images, labels) = batch(digits, task, &training);
            let loss = cross_entropy.forward(forward(&model, images), labels);
            if let Some(boundary) = detector.observe(loss.clone().into_scalar()) {
                model.end_task();
                steps.push(boundary.step);
            }
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            model = model.optimize(&mut optimizer, 3e-3, grads);
        }
    }
    let accuracies = (0..NUM_TASKS).map(|task| {
        let (images, labels) = batch(test, task, &device);
        let predicted = forward(&model.valid(), images).argmax(1).squeeze_dim(1);
        let correct = labels.equal(predicted).int();
        100.0 * correct.float().mean().into_scalar::<f64>()
    });
    let average = accuracies.sum::<f64>() / NUM_TASKS as f64;
    println!("strength {strength}: consolidated at {steps:?}, {average:.1} % on all tasks");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let digits = mnist::load();
    let changes: Vec<usize> = (1..NUM_TASKS).map(|task| task * STEPS_PER_TASK).collect();
    println!("the task changes at {changes:?}");
    learn(0.0, &digits)?;
    learn(1.0, &digits)
}
