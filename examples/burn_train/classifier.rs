//! A classifier for burn-train, which knows nothing of continual learning but its task's outputs.

use burn::data::dataloader::batcher::Batcher;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::tensor::{Device, Int, Tensor, activation::relu};
use burn_train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep};

use crate::mnist::{self, Digit};

/// Digits of a task, which has two of the ten.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    task: usize,
    /// `[batch, pixels]`.
    images: Tensor<2>,
    /// 0 for the task's first digit and 1 for its second, `[batch]`.
    labels: Tensor<1, Int>,
}

/// Makes the batches of a task.
pub(crate) struct TaskBatcher {
    pub(crate) task: usize,
}

impl Batcher<Digit, Batch> for TaskBatcher {
    fn batch(&self, digits: Vec<Digit>, device: &Device) -> Batch {
        let (images, labels) = mnist::batch(&digits, device);
        Batch {
            task: self.task,
            images,
            labels: labels.remainder_scalar(2),
        }
    }
}

/// A perceptron of the paper's size for split MNIST.
#[derive(Module, Debug)]
pub(crate) struct Classifier {
    hidden: [Linear; 2],
    readout: Linear,
}

impl Classifier {
    pub(crate) fn new(device: &Device) -> Self {
        let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        Self {
            hidden: [layer(784, 256), layer(256, 256)],
            readout: layer(256, 10),
        }
    }

    fn classify(&self, batch: Batch) -> ClassificationOutput {
        let features = self.hidden.iter().fold(batch.images, |features, layer| {
            relu(layer.forward(features))
        });
        let logits = self.readout.forward(features).narrow(1, 2 * batch.task, 2);
        let cross_entropy = CrossEntropyLossConfig::new().init(&logits.device());
        let loss = cross_entropy.forward(logits.clone(), batch.labels.clone());
        ClassificationOutput::new(loss, logits, batch.labels)
    }
}

impl TrainStep for Classifier {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
        let output = self.classify(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for Classifier {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> ClassificationOutput {
        self.classify(batch)
    }
}
