use burn::tensor::{Device, Int, Tensor};

use crate::Error;
use crate::experiment::device_task::{IMAGES_AT_ONCE, chunks, indices};
use crate::model::StackedMlp;
use crate::task::{DeviceImages, ImageDataset, StackedBatch, StackedImages, Task, TaskSequence};

/// A task of all replicas, whose images are on the device.
pub(super) struct StackedTask {
    pub(super) train: StackedImages,
    pub(super) test: StackedImages,
    /// Added to the logits, `[1, 1, outputs]`.
    mask: Option<Tensor<3>>,
}

impl StackedTask {
    /// Uploads the tasks of all replicas, which differ at most in the order of the pixels. Images that several tasks share
    /// are uploaded once.
    pub(super) fn upload(sequences: &[TaskSequence], device: &Device) -> Result<Vec<Self>, Error> {
        let Some(first) = sequences.first() else {
            return Ok(Vec::new());
        };
        let mut uploaded: Vec<(&ImageDataset, DeviceImages)> = Vec::new();
        let tasks = first.tasks.iter().enumerate().map(|(index, task)| {
            let of_each = sequences.iter().filter_map(|it| it.tasks.get(index));
            let of_each: Vec<&Task> = of_each.collect();
            let mut upload = |part: fn(&Task) -> &ImageDataset| {
                let of_each: Vec<&ImageDataset> = of_each.iter().copied().map(part).collect();
                let images = StackedImages::upload(&of_each, &mut uploaded, device);
                images.ok_or_else(|| {
                    let reason = "runs that are trained at once must have the same images";
                    Error::Config(reason.to_string())
                })
            };
            Ok(Self {
                train: upload(|task| &task.train)?,
                test: upload(|task| &task.test)?,
                mask: task
                    .output_mask(first.num_outputs, device)
                    .map(Tensor::unsqueeze),
            })
        });
        tasks.collect()
    }

    /// The training images in minibatches of each replica; the last may be smaller. `orders` has an order of the images for
    /// each replica, and is uploaded at once.
    pub(super) fn batches(
        &self,
        orders: &[Vec<i32>],
        batch_size: usize,
    ) -> impl Iterator<Item = StackedBatch> {
        let (num_images, num_replicas) = (self.train.len(), orders.len());
        // Minibatch by minibatch, so that each is one piece of memory.
        let order: Vec<i32> = chunks(num_images, batch_size)
            .flat_map(|range| orders.iter().flat_map(move |it| &it[range.clone()]))
            .copied()
            .collect();
        let order = indices(order, &self.train.device());
        chunks(num_images, batch_size).map(move |range| {
            let (start, length) = (range.start * num_replicas, range.len() * num_replicas);
            self.train.batch(order.clone().narrow(0, start, length))
        })
    }

    /// Logits, `[replicas, batch, outputs]`, masked if the model is told the task.
    pub(super) fn masked(&self, logits: Tensor<3>) -> Tensor<3> {
        match &self.mask {
            Some(mask) => logits + mask.clone(),
            None => logits,
        }
    }

    /// How many of `images` each replica classifies correctly, `[replicas]`: among the task's outputs, the label has the
    /// largest logit. It stays on the device.
    ///
    /// `model` must be in validation mode.
    pub(super) fn num_correct(&self, model: &StackedMlp, images: &StackedImages) -> Tensor<1, Int> {
        let num_replicas = model.num_replicas();
        let none = Tensor::zeros([num_replicas], &images.device());
        let chunks = images.chunks(IMAGES_AT_ONCE);
        chunks.fold(none, |correct, (images, labels)| {
            let logits = self.masked(model.forward(images));
            let predicted = logits.argmax(2).squeeze_dim::<2>(2);
            let count = predicted.equal(labels).int().sum_dim(1);
            correct + count.squeeze_dim::<1>(1)
        })
    }
}
