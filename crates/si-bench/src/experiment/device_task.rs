use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::model::Mlp;
use crate::task::{DeviceImages, ImageBatch, Task};

/// A task whose images lie on the device.
pub(super) struct DeviceTask {
    pub(super) train: DeviceImages,
    pub(super) test: DeviceImages,
    /// Added to the logits, `[outputs]`.
    mask: Option<Tensor<1>>,
}

impl DeviceTask {
    pub(super) fn new(task: &Task, num_outputs: usize, device: &Device) -> Self {
        Self {
            train: task.train.to_device(device),
            test: task.test.to_device(device),
            mask: task.output_mask(num_outputs, device),
        }
    }

    /// The training images in minibatches, in `order`; the last may be short.
    pub(super) fn batches(
        &self,
        order: Vec<i32>,
        batch_size: usize,
        device: &Device,
    ) -> impl Iterator<Item = ImageBatch> {
        let len = order.len();
        let order: Tensor<1, Int> = Tensor::from_data(TensorData::new(order, [len]), device);
        (0..len).step_by(batch_size).map(move |start| {
            let length = batch_size.min(len - start);
            self.train.batch(order.clone().narrow(0, start, length))
        })
    }

    /// Mean cross-entropy of a minibatch over the task's outputs, `[1]`.
    pub(super) fn loss(&self, model: &Mlp, (images, labels): ImageBatch) -> Tensor<1> {
        let logits = self.logits(model, images.autodiff());
        let cross_entropy = CrossEntropyLossConfig::new().init(&logits.device());
        cross_entropy.forward(logits, labels)
    }

    /// Share of `images` whose largest logit, among those of the task's outputs, is their label's.
    ///
    /// `model` is in validation mode. The count stays on the device until the end.
    pub(super) fn accuracy(&self, model: &Mlp, images: &DeviceImages) -> f64 {
        let mut correct: Option<Tensor<1, Int>> = None;
        for (images, labels) in images.chunks(IMAGES_AT_ONCE) {
            let predicted = self.logits(model, images).argmax(1).squeeze_dim::<1>(1);
            let count = predicted.equal(labels).int().sum();
            correct = Some(match correct {
                Some(correct) => correct + count,
                None => count,
            });
        }
        let correct = correct.map_or(0, |correct| correct.into_scalar::<i64>());
        correct as f64 / images.len().max(1) as f64
    }

    /// Logits `[batch, outputs]`, masked where the model is told the task.
    fn logits(&self, model: &Mlp, images: Tensor<2>) -> Tensor<2> {
        let logits = model.forward(images);
        match &self.mask {
            Some(mask) => logits + mask.clone().unsqueeze(),
            None => logits,
        }
    }
}

/// Few enough that the activations of a batch stay in the processor's cache.
const IMAGES_AT_ONCE: usize = 500;
