//! A stream of images whose task changes without notice: a detector tells it from the losses, and what
//! was learnt until then is consolidated.
//!
//! ```sh
//! cargo run --bin task_free
//! ```
//!
//! ```text
//! the task changes at [300, 600, 900, 1200]
//! strength 0: consolidated at [302, 602, 902, 1202], 84.6 % on all tasks
//! strength 1: consolidated at [302, 602, 902, 1202], 91.9 % on all tasks
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use rand::{SeedableRng, rngs::ChaCha8Rng};
use si_bench::data::DataSet;
use si_bench::experiment::{Activation, Scenario};
use si_bench::model::MlpConfig;
use si_bench::task::{TaskSequence, permuted_mnist};
use si_core::boundary::ShiftDetectorConfig;
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

const STEPS_PER_TASK: usize = 300;

/// Learns the stream, and prints when it consolidated and how well all tasks are known in the end.
fn train(strength: f64, sequence: &TaskSequence, device: &Device) -> anyhow::Result<()> {
    let training = device.clone().autodiff();
    let model = MlpConfig {
        num_inputs: 784,
        hidden_sizes: vec![256],
        num_outputs: sequence.num_outputs,
        activation: Activation::Relu,
        dropout: 0.0,
        zero_readout: false,
    };
    let model = model.init(&mut ChaCha8Rng::seed_from_u64(0), &training);
    let config = SynapticIntelligenceConfig::new().with_damping(0.1);
    let mut model = ContinualLearner::new(model, &config.with_strength(strength))?;
    let mut optimizer = AdamConfig::new().init();
    let mut detector = ShiftDetectorConfig::new().init()?;
    let cross_entropy = CrossEntropyLossConfig::new().init(&training);
    let stream = sequence.tasks.iter().flat_map(|task| {
        let images = task.train.first(STEPS_PER_TASK * 64).to_device(&training);
        images.chunks(64).collect::<Vec<_>>()
    });
    let mut steps = Vec::new();
    for (images, labels) in stream {
        let loss = cross_entropy.forward(model.forward(images), labels);
        if let Some(boundary) = detector.observe(loss.clone().into_scalar()) {
            model.end_task();
            steps.push(boundary.step);
        }
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        model = model.optimize(&mut optimizer, 3e-3, grads);
    }
    let accuracies = sequence.tasks.iter().map(|task| {
        let (images, labels) = task.test.to_device(device).all();
        let predicted = model.valid().forward(images).argmax(1).squeeze_dim(1);
        let correct: Tensor<1, Int> = labels.equal(predicted).int();
        correct.float().mean().into_scalar::<f64>()
    });
    let average = 100.0 * accuracies.sum::<f64>() / sequence.tasks.len() as f64;
    println!("strength {strength}: consolidated at {steps:?}, {average:.1} % on all tasks");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let generator = |task| ChaCha8Rng::seed_from_u64(task as u64);
    let sequence = permuted_mnist(DataSet::Mnist, None, Scenario::Domain, 5, generator)?;
    let changes = [1, 2, 3, 4].map(|task| task * STEPS_PER_TASK);
    println!("the task changes at {changes:?}");
    train(0.0, &sequence, &Device::flex())?;
    train(1.0, &sequence, &Device::flex())
}
