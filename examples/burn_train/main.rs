//! MNIST's digits in five pairs, one after the other, with burn-train, Burn's own training loop. The lines marked `+` are
//! new in a plain program: with them it does not forget, and shows after each epoch how well it knows each pair.
//!
//! ```sh
//! cargo run --bin burn_train --features train
//! ```
//!
//! To copy it, take `mnist.rs` and the other files of this folder too, and depend on `burn` with its feature `flex`,
//! `burn-train` without its default features, `si-core` with its feature `train`, `anyhow` and `si-mnist`.

mod classifier;
mod lines;
#[path = "../mnist.rs"]
mod mnist;

use std::sync::Arc;

use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::module::Module;
use burn::optim::AdamConfig;
use burn::tensor::Device;
use burn_train::metric::LossMetric;
use burn_train::{Learner, SupervisedTraining};
use si_core::train::TaskAccuracies;
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

use classifier::{Batch, Classifier, TaskBatcher};
use lines::Lines;
use mnist::Digit;

fn loader(digits: &[Digit], task: usize, device: &Device) -> Arc<dyn DataLoader<Batch>> {
    let is_in_task = |digit: &&Digit| usize::from(digit.label) / 2 == task;
    let digits = digits.iter().filter(is_in_task).cloned().collect();
    DataLoaderBuilder::new(TaskBatcher { task })
        .batch_size(64)
        .shuffle(0)
        .set_device(device.clone())
        .build(InMemDataset::new(digits))
}

fn main() -> anyhow::Result<()> {
    let device = Device::flex().autodiff();
    device.seed(0);
    let folder = std::env::temp_dir().join(format!("burn_train-{}", std::process::id()));
    let [train, test] = mnist::load();

    let model = Classifier::new(&device);
    let mut model = ContinualLearner::new(model, &SynapticIntelligenceConfig::new())?; // +
    let mut accuracies = TaskAccuracies::new(); // +
    let mut seen = Vec::new(); // +
    for task in 0..5 {
        let valid = loader(&test, task, &device);
        seen.push(valid); // +
        let valid = accuracies.validation(&seen)?; // +
        let mut training = SupervisedTraining::new(
            folder.join(format!("task-{task}")),
            loader(&train, task, &device),
            valid,
        )
        .metric_train_numeric(LossMetric::new())
        .metric_train_numeric(model.penalty_metric()) // +
        .metric_valid_numeric(accuracies.average_accuracy_metric()) // +
        .metric_valid_numeric(accuracies.forgetting_metric()) // +
        .num_epochs(3)
        .with_application_logger(None)
        .renderer(Box::new(Lines::new(format!("task {task}"))));
        for task in 0..=task {
            training = training.metric_valid_numeric(accuracies.task_accuracy_metric(task)); // +
        }
        let optimizer = AdamConfig::new().init();
        let result = training.launch(Learner::new(model, optimizer, 1e-3));
        model = result.model.train();
        model.end_task(); // +
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
