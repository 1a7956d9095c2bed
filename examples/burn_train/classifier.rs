//! A classifier for burn-train, which knows nothing of continual learning but its task's outputs.

use burn::data::dataloader::batcher::Batcher;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::tensor::{Device, Int, Tensor, activation::relu};
use burn_train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep};
use si_bench::task::{ImageBatcher, ImageItem, Task};

/// Images of a task.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// `[batch, pixels]`.
    images: Tensor<2>,
    /// `[batch]`.
    labels: Tensor<1, Int>,
    /// Takes the outputs of other tasks out of the softmax, `[1, outputs]`.
    mask: Tensor<2>,
}

/// Makes the batches of a task.
pub(crate) struct TaskBatcher(pub(crate) Task);

impl Batcher<ImageItem, Batch> for TaskBatcher {
    fn batch(&self, items: Vec<ImageItem>, device: &Device) -> Batch {
        let (images, labels) = ImageBatcher.batch(items, device);
        let mask = self.0.output_mask(NUM_OUTPUTS, device);
        Batch {
            images,
            labels,
            mask: mask.expect("the task is known").unsqueeze(),
        }
    }
}

/// One output for each digit.
const NUM_OUTPUTS: usize = 10;

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
            readout: layer(256, NUM_OUTPUTS),
        }
    }

    fn classify(&self, batch: Batch) -> ClassificationOutput {
        let features = self.hidden.iter().fold(batch.images, |features, layer| {
            relu(layer.forward(features))
        });
        let logits = self.readout.forward(features) + batch.mask;
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
