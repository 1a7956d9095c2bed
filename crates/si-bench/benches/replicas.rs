//! Several trainings at once, as a stack of replicas: `cargo xtask bench`.
//!
//! Steps in a row, as a training loop has them, with one wait for the device at the end of a block of steps.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod learners;

use std::time::Instant;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, unfold4d};
use burn::tensor::ops::{ConvOptions, UnfoldOptions};
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use learners::{Case, LEARNING_RATE, Learner, as_si_trains, described, device, median};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_core::replicas::{StackedLinear, cross_entropy};
use si_core::{ContinualLearner, SynapticAdamConfig, SynapticIntelligenceConfig};

const SIZES: [usize; 4] = [784, 256, 256, 10];
const BATCH_SIZE: usize = 64;
const NUM_BATCHES: usize = 8;
const NUM_BLOCKS: usize = 9;
/// Replicas, and steps in a block.
const STACKS: [(usize, usize); 6] = [(1, 40), (2, 40), (5, 20), (10, 20), (20, 10), (50, 10)];

fn main() {
    as_si_trains(measure_all);
}

fn measure_all() {
    let (device, name) = device();
    let case = Case::perceptron([SIZES[1], SIZES[2]], BATCH_SIZE, &device);
    println!(
        "{}: median of {NUM_BLOCKS} blocks of steps in a row, {}, batch {BATCH_SIZE}, in ms; last column: relative to one replica\n",
        described(&name),
        case.name
    );
    println!("| replicas | step | step and replica |");
    println!("|---|---|---|");
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let batches: Vec<_> = (0..NUM_BATCHES).map(|_| case.batch(rng)).collect();
    let alone = case.learner(Learner::Fused, 2);
    let alone = milliseconds(alone, &batches, STACKS[0].1, &case.device);
    println!("| not a stack | {alone:.3} | {alone:.4} (1.000) |");
    for (num_replicas, num_steps) in STACKS {
        let batches = (0..NUM_BATCHES).map(|_| batch(num_replicas, rng, &case.device));
        let batches: Vec<Batch> = batches.collect();
        let step = learner(num_replicas, &batches, &case.device);
        let stack = milliseconds(step, &batches, num_steps, &case.device);
        let each = stack / num_replicas as f64;
        println!(
            "| {num_replicas} | {stack:.3} | {each:.4} ({:.3}) |",
            each / alone
        );
    }
    measure_convolutions(&case.device);
}

/// The replicas of the table of convolutions.
const CONVOLUTIONS: [usize; 3] = [1, 2, 4];
/// Images per replica `[batch, channels, height, width]`.
const MAPS: [usize; 4] = [64, 32, 15, 15];
const CHANNELS_OUT: usize = 64;
const KERNEL: [usize; 2] = [3, 3];

/// Compares ways to convolve, forwards and backwards. Each replica has its own images and weights.
fn measure_convolutions(device: &Device) {
    let [batch_size, channels, height, width] = MAPS;
    println!(
        "\nA convolution with ReLU, forwards and backwards, in ms: {channels} to {CHANNELS_OUT} channels, {height} × {width} \
         pixels, batch {batch_size} for each replica; in brackets: relative to one by one\n"
    );
    println!("| replicas | one by one | by groups | windows, and products of stacks |");
    println!("|---|---|---|---|");
    for num_replicas in CONVOLUTIONS {
        let random = |shape: [usize; 4]| {
            Tensor::<4>::random(shape, Distribution::Uniform(-0.1, 0.1), device)
        };
        let images = random([batch_size, num_replicas * channels, height, width]);
        let weight = random([num_replicas * CHANNELS_OUT, channels, KERNEL[0], KERNEL[1]]);
        let ways: [fn(Tensor<4>, Tensor<4>, usize) -> Tensor<1>; 3] =
            [one_by_one, by_groups, by_products];
        let times = ways.map(|convolve| {
            let step = |(images, weight): (Tensor<4>, Tensor<4>)| {
                let weight = weight.require_grad();
                let gradients =
                    convolve(images.require_grad(), weight.clone(), num_replicas).backward();
                std::hint::black_box(weight.grad(&gradients));
            };
            milliseconds(step, &[(images.clone(), weight.clone())], 2, device)
        });
        let cells = times.map(|time| format!("{time:.2} ({:.2})", time / times[0]));
        println!("| {num_replicas} | {} |", cells.join(" | "));
    }
}

fn options(groups: usize) -> ConvOptions<2> {
    ConvOptions::new([1, 1], [1, 1], [1, 1], groups)
}

fn one_by_one(images: Tensor<4>, weight: Tensor<4>, num_replicas: usize) -> Tensor<1> {
    let images = images.chunk(num_replicas, 1);
    let sums = images.into_iter().zip(weight.chunk(num_replicas, 0));
    let sums = sums.map(|(images, weight)| relu(conv2d(images, weight, None, options(1))).sum());
    sums.reduce(|all, sum| all + sum)
        .expect("there are replicas")
}

fn by_groups(images: Tensor<4>, weight: Tensor<4>, num_replicas: usize) -> Tensor<1> {
    relu(conv2d(images, weight, None, options(num_replicas))).sum()
}

/// The windows of all images as rows of matrices, one for each replica.
fn by_products(images: Tensor<4>, weight: Tensor<4>, num_replicas: usize) -> Tensor<1> {
    let [_, channels, height, width] = MAPS;
    let num_weights = channels * KERNEL[0] * KERNEL[1];
    let windows = unfold4d(images, KERNEL, UnfoldOptions::new([1, 1], [1, 1], [1, 1]));
    let windows = windows
        .reshape([MAPS[0], num_replicas, num_weights, height * width])
        .permute([1, 0, 3, 2])
        .reshape([num_replicas, MAPS[0] * height * width, num_weights]);
    let weight = weight
        .reshape([num_replicas, CHANNELS_OUT, num_weights])
        .swap_dims(1, 2);
    relu(windows.matmul(weight)).sum()
}

/// The median over blocks of the time of a step. The batches are on the device before.
fn milliseconds<B: Clone>(
    mut step: impl FnMut(B),
    batches: &[B],
    num_steps: usize,
    device: &Device,
) -> f64 {
    let wait = || device.sync().expect("the device works");
    batches.iter().cloned().for_each(&mut step);
    wait();
    let blocks = (0..NUM_BLOCKS).map(|_| {
        let start = Instant::now();
        let batches = batches.iter().cycle().take(num_steps);
        batches.cloned().for_each(&mut step);
        wait();
        start.elapsed().as_secs_f64() * 1e3 / num_steps as f64
    });
    median(blocks.collect())
}

/// Images `[replicas, batch, pixels]` and labels `[replicas, batch]`.
type Batch = (Tensor<3>, Tensor<2, Int>);

#[derive(Module, Debug)]
struct Stack {
    layers: Vec<StackedLinear>,
}

impl Stack {
    fn new(num_replicas: usize, device: &Device) -> Self {
        let layer = |sizes: &[usize]| {
            let config = LinearConfig::new(sizes[0], sizes[1]);
            let layers: Vec<Linear> = (0..num_replicas).map(|_| config.init(device)).collect();
            StackedLinear::new(&layers).expect("all layers have one shape")
        };
        Self {
            layers: SIZES.windows(2).map(layer).collect(),
        }
    }

    /// The sum of the replicas' losses, `[1]`.
    fn loss(&self, (images, labels): Batch) -> Tensor<1> {
        let mut layers = self.layers.iter();
        let readout = layers.next_back().expect("there are layers");
        let hidden = layers.fold(images, |features, layer| relu(layer.forward(features)));
        cross_entropy(readout.forward(hidden), labels).sum()
    }
}

/// Does the next step of a stack in its second task, where the penalty is at work.
fn learner(num_replicas: usize, batches: &[Batch], device: &Device) -> impl FnMut(Batch) {
    let stack = Stack::new(num_replicas, device);
    let learner = ContinualLearner::new(stack, &SynapticIntelligenceConfig::new());
    let mut learner = learner.expect("the default settings are valid");
    let mut optimizer = SynapticAdamConfig::new().init();
    let mut step = move |mut learner: ContinualLearner<Stack>, batch: Batch| {
        let loss = |stack: &Stack| stack.loss(batch);
        (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, loss);
        learner
    };
    for batch in batches.iter().take(2) {
        learner = step(learner, batch.clone());
    }
    learner.end_task();
    let mut learner = Some(learner);
    move |batch| learner = learner.take().map(|learner| step(learner, batch))
}

/// Images too many and too random to be learnt by heart, which would make gradients vanish.
fn batch(num_replicas: usize, rng: &mut ChaCha8Rng, device: &Device) -> Batch {
    let [num_inputs, .., num_classes] = SIZES;
    let pixels: Vec<f32> = (0..num_replicas * BATCH_SIZE * num_inputs)
        .map(|_| rng.random_range(0.0..1.0))
        .collect();
    let labels: Vec<i32> = (0..num_replicas * BATCH_SIZE)
        .map(|_| rng.random_range(0..num_classes as i32))
        .collect();
    let pixels = TensorData::new(pixels, [num_replicas, BATCH_SIZE, num_inputs]);
    let labels = TensorData::new(labels, [num_replicas, BATCH_SIZE]);
    (
        Tensor::from_data(pixels, device),
        Tensor::from_data(labels, device),
    )
}
