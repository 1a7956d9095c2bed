//! Two learners go on from a common start, each with different tasks, and are merged into one: MNIST's digits in five
//! pairs. The start has learnt the first pair, and each learner learns two more.
//!
//! ```sh
//! cargo run --bin merge
//! ```
//!
//! Prints the test accuracy on each pair, and their average: of the start, of each learner, of the mean of their
//! parameters, of the learners merged by importance, and of one learner that learns all pairs one after the other.
//!
//! To copy it, take `mnist.rs` too, and depend on `burn` with its feature `flex`, `si-core`, `anyhow` and `si-mnist`.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

mod mnist;

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor, activation::relu};
use mnist::Digit;
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

const NUM_TASKS: usize = 5;

#[derive(Module, Debug)]
struct Classifier {
    hidden: [Linear; 2],
    readout: Linear,
}

impl Classifier {
    /// Logits of the two digits of a task: `[batch, 784]` to `[batch, 2]`.
    fn forward(&self, images: Tensor<2>, task: usize) -> Tensor<2> {
        let hidden = self.hidden.iter();
        let features = hidden.fold(images, |features, layer| relu(layer.forward(features)));
        self.readout.forward(features).narrow(1, 2 * task, 2)
    }
}

fn of_task(digits: &[Digit], task: usize) -> Vec<Digit> {
    let is_in_task = |digit: &&Digit| usize::from(digit.label) / 2 == task;
    digits.iter().filter(is_in_task).cloned().collect()
}

/// Goes on from `start` with some tasks. `start` may be elsewhere: all that matters is that each learner begins there.
fn learn(
    start: &ContinualLearner<Classifier>,
    tasks: impl IntoIterator<Item = usize>,
    digits: &[Digit],
    device: &Device,
) -> ContinualLearner<Classifier> {
    let mut learner = start.clone();
    let cross_entropy = CrossEntropyLossConfig::new().init(device);
    for task in tasks {
        let mut optimizer = AdamConfig::new().init();
        let digits = of_task(digits, task);
        for digits in (0..3).flat_map(|_| digits.chunks(64)) {
            let (images, labels) = mnist::batch(digits, device);
            let labels = labels.remainder_scalar(2);
            let loss = cross_entropy.forward(learner.forward(images, task), labels);
            let grads = GradientsParams::from_grads(loss.backward(), &learner);
            learner = learner.optimize(&mut optimizer, 1e-3, grads);
        }
        learner.end_task();
    }
    learner
}

/// The mean of two models, parameter by parameter.
fn mean(one: &Classifier, other: &Classifier) -> Classifier {
    fn of<const D: usize>(one: &Param<Tensor<D>>, other: &Param<Tensor<D>>) -> Param<Tensor<D>> {
        one.clone().map(|one| (one + other.val()) / 2.0)
    }
    let layer = |one: &Linear, other: &Linear| Linear {
        weight: of(&one.weight, &other.weight),
        bias: one
            .bias
            .as_ref()
            .zip(other.bias.as_ref())
            .map(|(one, other)| of(one, other)),
    };
    Classifier {
        hidden: [0, 1].map(|index| layer(&one.hidden[index], &other.hidden[index])),
        readout: layer(&one.readout, &other.readout),
    }
}

fn print_accuracies(name: &str, model: &Classifier, digits: &[Digit], device: &Device) {
    print!("{name:<22}");
    let mut sum = 0.0;
    for task in 0..NUM_TASKS {
        let (images, labels) = mnist::batch(&of_task(digits, task), device);
        let predicted = model.forward(images, task).argmax(1).squeeze_dim(1);
        let correct = predicted.equal(labels.remainder_scalar(2)).int();
        let accuracy = 100.0 * correct.float().mean().into_scalar::<f32>();
        print!("{accuracy:7.1}");
        sum += accuracy;
    }
    println!("{:9.1}", sum / NUM_TASKS as f32);
}

fn main() -> anyhow::Result<()> {
    let device = Device::flex();
    let training = device.clone().autodiff();
    let [train, test] = mnist::load();
    device.seed(0);
    let model = Classifier {
        hidden: [784, 64].map(|inputs| LinearConfig::new(inputs, 64).init(&training)),
        readout: LinearConfig::new(64, 10).init(&training),
    };
    let untrained = ContinualLearner::new(model, &SynapticIntelligenceConfig::new())?;
    let start = learn(&untrained, [0], &train, &training);
    let first = learn(&start, [1, 2], &train, &training);
    let second = learn(&start, [3, 4], &train, &training);
    let in_sequence = learn(&start, 1..NUM_TASKS, &train, &training);
    let merged = start.merge(&[first.clone(), second.clone()], 1e-6)?;

    println!("test accuracy in %        0/1    2/3    4/5    6/7    8/9  average");
    let rows = [
        ("the common start", start.valid().into_inner()),
        ("the first learner", first.valid().into_inner()),
        ("the second learner", second.valid().into_inner()),
        ("mean of parameters", mean(&first.valid(), &second.valid())),
        ("merged by importance", merged.valid().into_inner()),
        ("one after the other", in_sequence.valid().into_inner()),
    ];
    for (name, model) in &rows {
        print_accuracies(name, model, &test, &device);
    }
    Ok(())
}
