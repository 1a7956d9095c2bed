//! A pretrained model learns task after task by LoRA adapters, which alone are consolidated.
//!
//! ```sh
//! cargo run -p si-examples --bin transfer --features train
//! ```
//!
//! Pretrains on the digits 0 to 3, and takes the weights over as SafeTensors, as those of a model from
//! elsewhere would come; then learns three more pairs of digits, without consolidation and with it. With
//! it, 4/5 stays at about 99 %.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::module::{Lora, Module};
use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::optim::AdamConfig;
use burn::tensor::{Device, Int, Tensor, activation::relu};
use burn_store::{ModuleSnapshot, SafetensorsStore};
use si_bench::task::{Task, split_mnist};
use si_bench::{data::DataSet, experiment::Scenario};
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

type Model = [Linear; 2];

/// Logits: `[batch, 784]` to `[batch, 10]`.
fn forward([hidden, readout]: &Model, images: Tensor<2>, task: &Task) -> Tensor<2> {
    let mask = task.output_mask(10, &images.device());
    let mask = mask.expect("the task is known").unsqueeze();
    readout.forward(relu(hidden.forward(images))) + mask
}

fn accuracy(model: &Model, task: &Task) -> f32 {
    let (images, labels) = task.test.to_device(&Device::flex()).all();
    let predicted = forward(&model.valid(), images, task).argmax(1);
    let correct: Tensor<1, Int> = predicted.squeeze_dim(1).equal(labels).int();
    100.0 * correct.float().mean().into_scalar::<f32>()
}

/// Two epochs of the tasks in turn, and their end.
fn learn(mut learner: ContinualLearner<Model>, tasks: &[Task]) -> ContinualLearner<Model> {
    let device = Device::flex().autodiff();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let mut optimizer = AdamConfig::new().init();
    for task in tasks.iter().chain(tasks) {
        for (images, labels) in task.train.to_device(&device).chunks(64) {
            (learner, _) = learner.step(&mut optimizer, 1e-3, |model| {
                cross_entropy.forward(forward(model, images, task), labels)
            });
        }
    }
    learner.end_task();
    learner
}

fn main() -> anyhow::Result<()> {
    let device = Device::flex().autodiff();
    device.seed(0);
    let tasks = split_mnist(DataSet::Mnist, None, Scenario::Task)?.tasks;
    let config = SynapticIntelligenceConfig::new();
    let new = || [(784, 256), (256, 10)].map(|(i, o)| LinearConfig::new(i, o).init(&device));
    let pretrained = learn(ContinualLearner::new(new(), &config)?, &tasks[..2]);
    let mut file = SafetensorsStore::from_bytes(None);
    pretrained.save_into(&mut file)?;

    let mut model = new();
    model.load_from(&mut SafetensorsStore::from_bytes(Some(file.get_bytes()?)))?;
    let model = model.apply_lora(Lora::new(8, 8.0));
    for strength in [0.0, 1.0] {
        let config = config.clone().with_strength(strength);
        let mut learner = ContinualLearner::new(model.clone(), &config)?;
        for task in &tasks[2..] {
            learner = learn(learner, std::slice::from_ref(task));
        }
        let accuracy = |task: &Task| format!("{} {:.1} %", task.name, accuracy(&learner, task));
        let accuracies: Vec<String> = tasks.iter().map(accuracy).collect();
        println!("strength {strength}: {}", accuracies.join(", "));
    }
    Ok(())
}
