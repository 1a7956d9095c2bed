//! The upper layers of the encoder, with a readout for each task.

use burn::module::Module;
use burn::nn::transformer::TransformerEncoder;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use crate::batch::{Batch, Example};
use crate::encoder::{WIDTH, embed};
use crate::tasks::Task;

#[derive(Module, Debug)]
pub(crate) struct Classifier {
    layers: TransformerEncoder,
    heads: Vec<Linear>,
}

impl Classifier {
    pub(crate) fn new(layers: TransformerEncoder, tasks: &[Task], device: &Device) -> Self {
        let head = |task: &Task| LinearConfig::new(WIDTH, task.num_classes).init(device);
        Self {
            layers,
            heads: tasks.iter().map(head).collect(),
        }
    }

    /// Logits of the classes of a task: `[batch, classes]`.
    pub(crate) fn forward(&self, batch: &Batch, task: usize) -> Tensor<2> {
        self.heads[task].forward(embed(&self.layers, batch))
    }

    /// The share of examples whose class is found.
    pub(crate) fn accuracy(&self, examples: &[Example], task: usize) -> f64 {
        let device = Device::flex();
        let correct = examples.chunks(32).map(|examples| {
            let batch = Batch::new(examples, &device);
            let found = self.forward(&batch, task).argmax(1).squeeze_dim(1);
            let correct = found.equal(batch.labels).int().sum();
            f64::from(correct.into_scalar::<i32>())
        });
        correct.sum::<f64>() / examples.len() as f64
    }
}
