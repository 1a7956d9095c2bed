//! Your own model and training loop, learning task after task with far less forgetting: MNIST's digits in five pairs.
//!
//! ```sh
//! cargo run --bin continual_learner
//! ```
//!
//! Prints the test accuracy on each pair after the last, and their average, without consolidation (strength 0) and with
//! it.
//!
//! To copy it, take `mnist.rs` too, and depend on `burn` with its feature `flex`, `si-core`, `anyhow` and `si-mnist`.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

mod mnist;

use burn::module::Module;
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

fn main() -> anyhow::Result<()> {
    let device = Device::flex();
    let training = device.clone().autodiff();
    let [train, test] = mnist::load();
    let cross_entropy = CrossEntropyLossConfig::new().init(&training);
    println!("test accuracy on each pair of digits after the last");
    for strength in [0.0, 1.0] {
        device.seed(0);
        let model = Classifier {
            hidden: [784, 64].map(|inputs| LinearConfig::new(inputs, 64).init(&training)),
            readout: LinearConfig::new(64, 10).init(&training),
        };
        let config = SynapticIntelligenceConfig::new().with_strength(strength);
        let mut model = ContinualLearner::new(model, &config)?;
        for task in 0..NUM_TASKS {
            let mut optimizer = AdamConfig::new().init();
            let digits = of_task(&train, task);
            for digits in (0..3).flat_map(|_| digits.chunks(64)) {
                let (images, labels) = mnist::batch(digits, &training);
                let labels = labels.remainder_scalar(2);
                let loss = cross_entropy.forward(model.forward(images, task), labels);
                let grads = GradientsParams::from_grads(loss.backward(), &model);
                model = model.optimize(&mut optimizer, 1e-3, grads); // <- the line that changes
            }
            model.end_task(); // <- and the one that is new
        }
        print!("strength {strength}:");
        let mut sum = 0.0;
        for task in 0..NUM_TASKS {
            let (images, labels) = mnist::batch(&of_task(&test, task), &device);
            let predicted = model.valid().forward(images, task).argmax(1).squeeze_dim(1);
            let correct = predicted.equal(labels.remainder_scalar(2)).int();
            let accuracy = 100.0 * correct.float().mean().into_scalar::<f32>();
            print!("  {}/{}: {accuracy:.1} %", 2 * task, 2 * task + 1);
            sum += accuracy;
        }
        println!("  average: {:.1} %", sum / NUM_TASKS as f32);
    }
    Ok(())
}
