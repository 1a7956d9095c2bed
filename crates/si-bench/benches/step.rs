//! What consolidation costs a training step: `cargo xtask bench`.
//!
//! Three learners of the same network take turns, step by step, on the same batches: a bare module with
//! Burn's Adam, and two with Synaptic Intelligence in their second task, where the penalty is at work,
//! with Burn's Adam and with the one that has all of a step in one pass. Batches are drawn anew from a
//! pool too large and too random to be memorised: gradients of a memorised batch are denormal numbers,
//! which are slow.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::time::Instant;

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_bench::experiment::Activation;
use si_bench::model::{CnnConfig, MlpConfig, Network, NetworkConfig};
use si_core::{
    ContinualLearner, ContinualOptimizer, SynapticAdamConfig, SynapticIntelligenceConfig,
};

const NUM_CLASSES: usize = 10;
/// The learning rate of the paper.
const LEARNING_RATE: f64 = 1e-3;

fn main() {
    let threads = std::env::var("RAYON_NUM_THREADS").unwrap_or_else(|_| "all".to_string());
    println!("Flex, {threads} thread(s), median of interleaved steps, in ms and by the first\n");
    println!("| network | batch | Adam | Adam, SI | synaptic Adam, SI |");
    println!("|---|---|---|---|---|");
    for case in [
        Case {
            name: "784-256-256-10",
            network: perceptron([256, 256]),
            image_shape: [1, 28, 28],
            batch_size: 64,
            num_steps: 600,
        },
        Case {
            name: "784-2000-2000-10",
            network: perceptron([2000, 2000]),
            image_shape: [1, 28, 28],
            batch_size: 256,
            num_steps: 40,
        },
        Case {
            name: "CNN of split CIFAR",
            network: NetworkConfig::Cnn(CnnConfig::paper(CIFAR, NUM_CLASSES)),
            image_shape: CIFAR,
            batch_size: 256,
            num_steps: 10,
        },
    ] {
        let [plain, unfused, fused] = case.measure();
        println!(
            "| {} | {} | {:.2} | {:.2} ({:.3}) | {:.2} ({:.3}) |",
            case.name,
            case.batch_size,
            plain * 1e3,
            unfused * 1e3,
            unfused / plain,
            fused * 1e3,
            fused / plain
        );
    }
}

const CIFAR: [usize; 3] = [3, 32, 32];

fn perceptron(hidden_sizes: [usize; 2]) -> NetworkConfig {
    NetworkConfig::Mlp(MlpConfig {
        num_inputs: 784,
        hidden_sizes: hidden_sizes.to_vec(),
        num_outputs: NUM_CLASSES,
        activation: Activation::Relu,
        dropout: 0.0,
        zero_readout: false,
    })
}

struct Case {
    name: &'static str,
    network: NetworkConfig,
    image_shape: [usize; 3],
    batch_size: usize,
    num_steps: usize,
}

impl Case {
    /// Median seconds of a step of each.
    fn measure(&self) -> [f64; 3] {
        let device = Device::flex().autodiff();
        let rng = &mut ChaCha8Rng::seed_from_u64(0);
        let model = self.network.init(rng, &device);
        let config = SynapticIntelligenceConfig::new();
        let learner =
            ContinualLearner::new(model.clone(), &config).expect("the default settings are valid");
        let mut steps: [Box<dyn FnMut(Batch)>; 3] = [
            plain(model),
            self.consolidating(learner.clone(), AdamConfig::new().init(), rng),
            self.consolidating(learner, SynapticAdamConfig::new().init(), rng),
        ];
        for _ in 0..self.warm_up() {
            let batch = self.batch(rng);
            for step in &mut steps {
                step(batch.clone());
            }
        }
        let mut seconds: [Vec<f64>; 3] = Default::default();
        for turn in 0..self.num_steps {
            let batch = self.batch(rng);
            // None always runs in the same one's wake.
            for index in (0..3).map(|index| (index + turn) % 3) {
                let batch = batch.clone();
                let start = Instant::now();
                steps[index](batch);
                seconds[index].push(start.elapsed().as_secs_f64());
            }
        }
        seconds.map(median)
    }

    fn warm_up(&self) -> usize {
        self.num_steps / 10 + 2
    }

    /// In its second task.
    fn consolidating(
        &self,
        mut learner: ContinualLearner<Network>,
        mut optimizer: impl ContinualOptimizer + 'static,
        rng: &mut ChaCha8Rng,
    ) -> Box<dyn FnMut(Batch)> {
        let mut step = move |mut learner: ContinualLearner<Network>, batch: Batch| {
            (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, |model| loss(model, batch));
            learner
        };
        for _ in 0..self.warm_up() {
            learner = step(learner, self.batch(rng));
        }
        learner.end_task();
        let mut learner = Some(learner);
        Box::new(move |batch| learner = learner.take().map(|learner| step(learner, batch)))
    }

    fn batch(&self, rng: &mut ChaCha8Rng) -> Batch {
        let device = Device::flex().autodiff();
        let num_inputs = self.image_shape.iter().product();
        let pixels: Vec<f32> = (0..self.batch_size * num_inputs)
            .map(|_| rng.random_range(0.0..1.0))
            .collect();
        let labels: Vec<i32> = (0..self.batch_size)
            .map(|_| rng.random_range(0..NUM_CLASSES as i32))
            .collect();
        let pixels = TensorData::new(pixels, [self.batch_size, num_inputs]);
        let labels = TensorData::new(labels, [self.batch_size]);
        (
            Tensor::from_data(pixels, &device),
            Tensor::from_data(labels, &device),
        )
    }
}

type Batch = (Tensor<2>, Tensor<1, Int>);

fn plain(model: Network) -> Box<dyn FnMut(Batch)> {
    let mut optimizer = AdamConfig::new().init();
    let mut model = Some(model);
    Box::new(move |batch| {
        model = model.take().map(|model| {
            let grads = GradientsParams::from_grads(loss(&model, batch).backward(), &model);
            optimizer.step(LEARNING_RATE, model, grads)
        });
    })
}

fn loss(model: &Network, (images, labels): Batch) -> Tensor<1> {
    let logits = model.forward(images);
    let cross_entropy = CrossEntropyLossConfig::new().init(&logits.device());
    cross_entropy.forward(logits, labels)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
