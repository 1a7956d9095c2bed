//! A pretrained model learns task after task by LoRA adapters, which alone are consolidated.
//!
//! ```sh
//! cargo run -p si-examples --bin transfer --features train
//! ```
//!
//! Pretrains on the digits 0 to 3, and takes the weights over as SafeTensors, as those of a model from elsewhere would
//! come. Then it learns three more pairs of digits, without consolidation (strength 0) and with it, and prints the test
//! accuracy on each pair.
//!
//! To copy it, take `mnist.rs` too, and depend on `burn` with its feature `flex`, `burn-store` with its feature
//! `safetensors`, `si-core`, `anyhow` and `si-mnist`.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

mod mnist;

use burn::module::{Lora, Module};
use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::optim::AdamConfig;
use burn::tensor::{Device, Tensor, activation::relu};
use burn_store::{ModuleSnapshot, SafetensorsStore};
use mnist::Digit;
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

type Model = [Linear; 2];

/// Logits of a pair of digits: `[batch, 784]` to `[batch, 2]`.
fn forward([hidden, readout]: &Model, images: Tensor<2>, pair: usize) -> Tensor<2> {
    let logits = readout.forward(relu(hidden.forward(images)));
    logits.narrow(1, 2 * pair, 2)
}

fn of_pair(digits: &[Digit], pair: usize) -> Vec<Digit> {
    let is_in_pair = |digit: &&Digit| usize::from(digit.label) / 2 == pair;
    digits.iter().filter(is_in_pair).cloned().collect()
}

fn accuracy(model: &Model, test: &[Digit], pair: usize) -> f32 {
    let (images, labels) = mnist::batch(&of_pair(test, pair), &Device::flex());
    let predicted = forward(&model.valid(), images, pair).argmax(1);
    let correct = predicted.squeeze_dim(1).equal(labels.remainder_scalar(2));
    100.0 * correct.int().float().mean().into_scalar::<f32>()
}

/// Two epochs of the pairs in turn, which are one task, and its end.
fn learn(
    mut learner: ContinualLearner<Model>,
    train: &[Digit],
    pairs: &[usize],
) -> ContinualLearner<Model> {
    let device = Device::flex().autodiff();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let mut optimizer = AdamConfig::new().init();
    for pair in pairs.iter().chain(pairs) {
        for digits in of_pair(train, *pair).chunks(64) {
            let (images, labels) = mnist::batch(digits, &device);
            (learner, _) = learner.step(&mut optimizer, 1e-3, |model| {
                let logits = forward(model, images, *pair);
                cross_entropy.forward(logits, labels.remainder_scalar(2))
            });
        }
    }
    learner.end_task();
    learner
}

fn main() -> anyhow::Result<()> {
    let device = Device::flex().autodiff();
    device.seed(0);
    let [train, test] = mnist::load();
    let config = SynapticIntelligenceConfig::new();
    let new = || [(784, 256), (256, 10)].map(|(i, o)| LinearConfig::new(i, o).init(&device));
    let pretrained = learn(ContinualLearner::new(new(), &config)?, &train, &[0, 1]);
    let mut file = SafetensorsStore::from_bytes(None);
    pretrained.save_into(&mut file)?;

    let mut model = new();
    model.load_from(&mut SafetensorsStore::from_bytes(Some(file.get_bytes()?)))?;
    let model = model.apply_lora(Lora::new(8, 8.0));
    for strength in [0.0, 1.0] {
        let config = config.clone().with_strength(strength);
        let mut learner = ContinualLearner::new(model.clone(), &config)?;
        for pair in 2..5 {
            learner = learn(learner, &train, &[pair]);
        }
        print!("strength {strength}:");
        for pair in 0..5 {
            let accuracy = accuracy(&learner, &test, pair);
            print!("  {}/{}: {accuracy:.1} %", 2 * pair, 2 * pair + 1);
        }
        println!();
    }
    Ok(())
}
