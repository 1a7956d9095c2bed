//! Your own model and training loop, learning task after task without forgetting.
//!
//! ```sh
//! cargo run --bin continual_learner
//! ```
//!
//! Prints the test accuracy on each task seen so far, after each task. All stay where they were; with the
//! config's `.with_strength(0.0)` the first ones fall.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use burn::data::dataloader::DataLoaderBuilder;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Int, Tensor, activation::relu};
use si_bench::data::DataSet;
use si_bench::experiment::Scenario;
use si_bench::task::{ImageBatcher, split_mnist};
use si_core::{ContinualLearner, SynapticIntelligenceConfig};

#[derive(Module, Debug)]
struct Classifier {
    hidden: Linear,
    readout: Linear,
}

impl Classifier {
    fn new(device: &Device) -> Self {
        Self {
            hidden: LinearConfig::new(784, 128).init(device),
            readout: LinearConfig::new(128, 10).init(device),
        }
    }

    /// Logits: `[batch, 784]` to `[batch, 10]`.
    fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        self.readout.forward(relu(self.hidden.forward(images)))
    }
}

fn main() -> anyhow::Result<()> {
    let device = Device::flex();
    device.seed(0);
    let training = device.clone().autodiff();
    let sequence = split_mnist(DataSet::Mnist, None, Scenario::Task)?;
    let cross_entropy = CrossEntropyLossConfig::new().init(&training);
    let config = SynapticIntelligenceConfig::new();
    let mut model = ContinualLearner::new(Classifier::new(&training), &config)?;

    for (index, task) in sequence.tasks.iter().enumerate() {
        let mut optimizer = AdamConfig::new().init();
        let mask = task.output_mask(sequence.num_outputs, &training);
        let mask = mask.expect("the task is known").unsqueeze();
        let batches = DataLoaderBuilder::new(ImageBatcher)
            .batch_size(64)
            .shuffle(index as u64)
            .set_device(training.clone())
            .build(task.train.clone());
        for batch in (0..5).flat_map(|_| batches.iter()) {
            let (images, labels) = batch?;
            let loss = cross_entropy.forward(model.forward(images) + mask.clone(), labels);
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            model = model.optimize(&mut optimizer, 1e-3, grads); // <- the line that changes
        }
        model.end_task(); // <- and the one that is new
        for task in &sequence.tasks[..=index] {
            let (images, labels) = task.test.to_device(&device).all();
            let mask = task.output_mask(sequence.num_outputs, &device);
            let mask = mask.expect("the task is known").unsqueeze();
            let predicted = (model.valid().forward(images) + mask).argmax(1);
            let correct: Tensor<1, Int> = predicted.squeeze_dim(1).equal(labels).int();
            let accuracy = 100.0 * correct.float().mean().into_scalar::<f32>();
            print!("task {}: {accuracy:.1} %   ", task.name);
        }
        println!();
    }
    Ok(())
}
