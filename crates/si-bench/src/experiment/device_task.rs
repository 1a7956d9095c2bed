use std::ops::Range;

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;

use crate::model::Network;
use crate::task::{DeviceImages, ImageDataset, TaskSequence};

use super::random::permutation;

/// A task whose images are on the device.
#[derive(Clone)]
pub(super) struct DeviceTask {
    pub(super) train: DeviceImages,
    pub(super) test: DeviceImages,
    /// Added to the logits, `[1, outputs]`.
    mask: Option<Tensor<2>>,
}

/// A minibatch of one task, or of several.
pub(super) struct Batch {
    /// `[batch, pixels]`.
    pub(super) images: Tensor<2>,
    /// `[batch]`.
    pub(super) labels: Tensor<1, Int>,
    /// Added to the logits, `[1, outputs]` or `[batch, outputs]`.
    mask: Option<Tensor<2>>,
}

impl DeviceTask {
    /// Uploads all tasks. Images that several tasks share are uploaded once.
    pub(super) fn upload<'a>(sequence: &'a TaskSequence, device: &Device) -> Vec<Self> {
        let mut uploaded: Vec<(&'a ImageDataset, DeviceImages)> = Vec::new();
        let mut upload = |dataset: &'a ImageDataset| {
            let is_same = |(other, _): &&(&ImageDataset, _)| dataset.shares_images(other);
            match uploaded.iter().find(is_same) {
                Some((_, images)) => dataset.to_device_like(images),
                None => {
                    let images = dataset.to_device(device);
                    uploaded.push((dataset, images.clone()));
                    images
                }
            }
        };
        let tasks = sequence.tasks.iter().map(|task| Self {
            train: upload(&task.train),
            test: upload(&task.test),
            mask: task
                .output_mask(sequence.num_outputs, device)
                .map(Tensor::unsqueeze),
        });
        tasks.collect()
    }

    /// Draws `count` training images at random (all if there are fewer), in batches of `at_once`, each
    /// `[batch, pixels]`.
    pub(super) fn draw(
        &self,
        count: usize,
        at_once: usize,
        rng: &mut ChaCha8Rng,
    ) -> impl Iterator<Item = Tensor<2>> + use<> {
        let mut drawn = permutation(self.train.len(), rng);
        drawn.truncate(count);
        let device = self.train.device();
        let train = self.train.clone();
        chunks(drawn.len(), at_once).map(move |range| {
            let (images, _) = train.batch(indices(drawn[range].to_vec(), &device));
            images
        })
    }

    /// The mask that is added to the logits of its images, `[outputs]`.
    pub(super) fn mask(&self) -> Option<Tensor<1>> {
        self.mask.clone().map(Tensor::squeeze)
    }

    /// Share of `images` that are classified correctly: among the task's outputs, the label has the
    /// largest logit.
    ///
    /// `model` must be in validation mode. The count stays on the device until the end.
    pub(super) fn accuracy(&self, model: &Network, images: &DeviceImages) -> f64 {
        let mut correct: Option<Tensor<1, Int>> = None;
        for (images, labels) in images.chunks(IMAGES_AT_ONCE) {
            let batch = Batch {
                images,
                labels,
                mask: self.mask.clone(),
            };
            let count = batch.num_correct(model);
            correct = Some(match correct {
                Some(correct) => correct + count,
                None => count,
            });
        }
        let correct = correct.map_or(0, |correct| correct.into_scalar::<i64>());
        correct as f64 / images.len().max(1) as f64
    }
}

impl Batch {
    /// The training images of `tasks` in minibatches; the last may be smaller. `order` indexes the
    /// images of all tasks, one task after the other.
    pub(super) fn of<'a>(
        tasks: &'a [DeviceTask],
        order: Vec<i32>,
        batch_size: usize,
        device: &'a Device,
    ) -> Box<dyn Iterator<Item = Batch> + 'a> {
        match tasks {
            [task] => Box::new(of_one(task, order, batch_size, device)),
            tasks => Box::new(of_several(tasks, order, batch_size, device)),
        }
    }

    /// Mean cross-entropy over the outputs of each image's task, `[1]`.
    pub(super) fn loss(self, model: &Network) -> Tensor<1> {
        let logits = masked(model.forward(self.images.autodiff()), self.mask);
        let cross_entropy = CrossEntropyLossConfig::new().init(&logits.device());
        cross_entropy.forward(logits, self.labels)
    }

    /// Number of images that `model` classifies correctly, `[1]`. It must be in validation mode.
    fn num_correct(self, model: &Network) -> Tensor<1, Int> {
        let logits = masked(model.forward(self.images), self.mask);
        let predicted = logits.argmax(1).squeeze_dim::<1>(1);
        predicted.equal(self.labels).int().sum()
    }
}

/// Logits `[batch, outputs]`, masked if the model is told the task.
fn masked(logits: Tensor<2>, mask: Option<Tensor<2>>) -> Tensor<2> {
    match mask {
        Some(mask) => logits + mask,
        None => logits,
    }
}

fn of_one<'a>(
    task: &'a DeviceTask,
    order: Vec<i32>,
    batch_size: usize,
    device: &Device,
) -> impl Iterator<Item = Batch> + use<'a> {
    chunks(order.len(), batch_size).map({
        let order = indices(order, device);
        move |range| {
            let (images, labels) =
                task.train
                    .batch(order.clone().narrow(0, range.start, range.len()));
            Batch {
                images,
                labels,
                mask: task.mask.clone(),
            }
        }
    })
}

fn of_several<'a>(
    tasks: &'a [DeviceTask],
    order: Vec<i32>,
    batch_size: usize,
    device: &'a Device,
) -> impl Iterator<Item = Batch> + use<'a> {
    chunks(order.len(), batch_size).map(move |range| {
        let (mut images, mut labels, mut masks) = (Vec::new(), Vec::new(), Vec::new());
        let mut first = 0;
        for task in tasks {
            let end = first + task.train.len() as i32;
            let of_task = order[range.clone()]
                .iter()
                .filter(|index| (first..end).contains(index))
                .map(|index| index - first);
            let of_task: Vec<i32> = of_task.collect();
            first = end;
            if of_task.is_empty() {
                continue;
            }
            let num_images = of_task.len();
            let batch = task.train.batch(indices(of_task, device));
            images.push(batch.0);
            labels.push(batch.1);
            masks.extend(task.mask.clone().map(|mask| mask.repeat_dim(0, num_images)));
        }
        Batch {
            images: Tensor::cat(images, 0),
            labels: Tensor::cat(labels, 0),
            mask: (!masks.is_empty()).then(|| Tensor::cat(masks, 0)),
        }
    })
}

fn chunks(length: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length)
        .step_by(size)
        .map(move |start| start..length.min(start + size))
}

fn indices(order: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let length = order.len();
    Tensor::from_data(TensorData::new(order, [length]), device)
}

/// Few enough that the activations of a batch stay in the processor's cache.
pub(super) const IMAGES_AT_ONCE: usize = 500;
