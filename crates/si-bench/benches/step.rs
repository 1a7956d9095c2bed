//! What consolidation costs a training step: `cargo xtask bench`.
//!
//! Two learners of the same network take turns, step by step, on the same batches: a bare module
//! with Adam, and one with Synaptic Intelligence in its second task, where the penalty is at work.
//! Batches are drawn anew from a pool too large and too random to be memorised: gradients of a
//! memorised batch are denormal numbers, which are slow.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::time::Instant;

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_bench::experiment::Activation;
use si_bench::model::{Mlp, MlpConfig};
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

const NUM_INPUTS: usize = 784;
const NUM_CLASSES: usize = 10;
/// The learning rate of the paper.
const LEARNING_RATE: f64 = 1e-3;

fn main() {
    let threads = std::env::var("RAYON_NUM_THREADS").unwrap_or_else(|_| "all".to_string());
    println!("Flex, {threads} thread(s), Adam, median of interleaved steps\n");
    println!("| network | batch | plain step [ms] | step with SI [ms] | ratio |");
    println!("|---|---|---|---|---|");
    for case in [
        Case {
            hidden_sizes: vec![256, 256],
            batch_size: 64,
            num_steps: 600,
        },
        Case {
            hidden_sizes: vec![2000, 2000],
            batch_size: 256,
            num_steps: 40,
        },
    ] {
        let (plain, consolidating) = case.measure();
        println!(
            "| 784-{}-10 | {} | {:.2} | {:.2} | {:.3} |",
            case.hidden_sizes
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join("-"),
            case.batch_size,
            plain * 1e3,
            consolidating * 1e3,
            consolidating / plain
        );
    }
}

struct Case {
    hidden_sizes: Vec<usize>,
    batch_size: usize,
    num_steps: usize,
}

impl Case {
    /// Median seconds of a plain step and of a consolidating one.
    fn measure(&self) -> (f64, f64) {
        let device = Device::flex().autodiff();
        let rng = &mut ChaCha8Rng::seed_from_u64(0);
        let model = MlpConfig {
            num_inputs: NUM_INPUTS,
            hidden_sizes: self.hidden_sizes.clone(),
            num_outputs: NUM_CLASSES,
            activation: Activation::Relu,
            dropout: 0.0,
            zero_readout: false,
        };
        let mut plain = Plain {
            model: Some(model.init(rng, &device)),
            optimizer: AdamConfig::new().init(),
        };
        let config = SynapticIntelligenceConfig::new();
        let learner = ContinualLearner::new(model.init(rng, &device), &config);
        let mut consolidating = Consolidating {
            learner: Some(learner.expect("the default settings are valid")),
            optimizer: AdamConfig::new().init(),
        };

        let warm_up = self.num_steps / 10 + 2;
        for _ in 0..warm_up {
            consolidating.step(self.batch(rng, &device));
        }
        consolidating.end_task();
        for _ in 0..warm_up {
            let batch = self.batch(rng, &device);
            plain.step(batch.clone());
            consolidating.step(batch);
        }

        let (mut plain_seconds, mut consolidating_seconds) = (Vec::new(), Vec::new());
        for step in 0..self.num_steps {
            let batch = self.batch(rng, &device);
            let mut time_plain = || plain_seconds.push(seconds(|| plain.step(batch.clone())));
            let mut time_consolidating =
                || consolidating_seconds.push(seconds(|| consolidating.step(batch.clone())));
            // Neither always runs in the other's wake.
            if step % 2 == 0 {
                time_plain();
                time_consolidating();
            } else {
                time_consolidating();
                time_plain();
            }
        }
        (median(plain_seconds), median(consolidating_seconds))
    }

    fn batch(&self, rng: &mut ChaCha8Rng, device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
        let pixels: Vec<f32> = (0..self.batch_size * NUM_INPUTS)
            .map(|_| rng.random_range(0.0..1.0))
            .collect();
        let labels: Vec<i32> = (0..self.batch_size)
            .map(|_| rng.random_range(0..NUM_CLASSES as i32))
            .collect();
        (
            Tensor::from_data(
                TensorData::new(pixels, [self.batch_size, NUM_INPUTS]),
                device,
            ),
            Tensor::from_data(TensorData::new(labels, [self.batch_size]), device),
        )
    }
}

struct Plain {
    /// Always there between steps: a step takes it and puts it back.
    model: Option<Mlp>,
    optimizer: ModuleOptimizer,
}

impl Plain {
    fn step(&mut self, batch: (Tensor<2>, Tensor<1, Int>)) {
        if let Some(model) = self.model.take() {
            let grads = loss(&model, batch).backward();
            let grads = GradientsParams::from_grads(grads, &model);
            self.model = Some(self.optimizer.step(LEARNING_RATE, model, grads));
        }
    }
}

struct Consolidating {
    learner: Option<ContinualLearner<Mlp>>,
    optimizer: ModuleOptimizer,
}

impl Consolidating {
    fn step(&mut self, batch: (Tensor<2>, Tensor<1, Int>)) {
        if let Some(learner) = self.learner.take() {
            let loss = |model: &Mlp| loss(model, batch);
            let (learner, _) = learner.step(&mut self.optimizer, LEARNING_RATE, loss);
            self.learner = Some(learner);
        }
    }

    fn end_task(&mut self) {
        if let Some(learner) = &mut self.learner {
            learner.end_task();
        }
    }
}

fn loss(model: &Mlp, (images, labels): (Tensor<2>, Tensor<1, Int>)) -> Tensor<1> {
    let logits = model.forward(images);
    let cross_entropy = CrossEntropyLossConfig::new().init(&logits.device());
    cross_entropy.forward(logits, labels)
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
