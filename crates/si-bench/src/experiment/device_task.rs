use std::ops::Range;

use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;

use crate::model::{Network, Output};
use crate::task::{DeviceImages, ImageDataset, TaskSequence};

use super::random::permutation;

/// A task whose images are on the device.
#[derive(Clone)]
pub(super) struct DeviceTask {
    pub(super) train: DeviceImages,
    pub(super) test: DeviceImages,
    /// Those to choose a strength on.
    pub(super) held_out: Option<DeviceImages>,
    /// The outputs of its classes.
    pub(super) outputs: Range<usize>,
    /// The outputs of all tasks up to this one.
    pub(super) outputs_so_far: Range<usize>,
    /// The outputs that the network chooses from.
    pub(super) seen_outputs: Range<usize>,
    /// The places of its training images among those of all tasks, one task after the other.
    pub(super) places: Range<i32>,
    /// Added to the logits, `[1, outputs]`.
    mask: Option<Tensor<2>>,
}

/// A minibatch of training images of one task, or of several.
#[derive(Clone)]
pub(super) struct Batch {
    /// `[batch, pixels]`.
    pub(super) images: Tensor<2>,
    /// `[batch]`.
    pub(super) labels: Tensor<1, Int>,
    /// Added to the logits, `[1, outputs]` or `[batch, outputs]`.
    pub(super) mask: Option<Tensor<2>>,
    /// The place of each image among the training images of all tasks, `[batch]`.
    pub(super) places: Vec<i32>,
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
        let (mut num_images, mut num_outputs) = (0, 0);
        let tasks = sequence.tasks.iter().map(|task| {
            num_outputs = num_outputs.max(task.outputs.end);
            let start = num_images;
            num_images += task.train.len() as i32;
            Self {
                train: upload(&task.train),
                test: upload(&task.test),
                held_out: task.held_out.as_ref().map(&mut upload),
                outputs: task.outputs.clone(),
                outputs_so_far: 0..num_outputs,
                seen_outputs: task.seen_outputs(sequence.num_outputs),
                places: start..num_images,
                mask: task
                    .output_mask(sequence.num_outputs, device)
                    .map(Tensor::unsqueeze),
            }
        });
        tasks.collect()
    }

    /// Whether the network is told the task.
    pub(super) fn is_given(&self) -> bool {
        self.mask.is_some()
    }

    /// The tasks of `all` that come before that of `batch`.
    pub(super) fn before<'a>(all: &'a [Self], batch: &Batch) -> &'a [Self] {
        let place = batch.places.first().copied().unwrap_or_default();
        let num_before = all.partition_point(|task| task.places.end <= place);
        &all[..num_before]
    }

    /// Draws `count` training images at random (all if there are fewer).
    pub(super) fn draw(&self, count: usize, rng: &mut ChaCha8Rng) -> Drawn {
        let mut order = permutation(self.train.len(), rng);
        order.truncate(count);
        Drawn {
            images: self.train.clone(),
            order,
        }
    }

    /// Share of `images` that are classified correctly: among the task's outputs, the label has the
    /// largest logit.
    ///
    /// `model` must be in validation mode. The count stays on the device until the end.
    pub(super) fn accuracy(&self, model: &Network, images: &DeviceImages) -> f64 {
        let mut correct: Option<Tensor<1, Int>> = None;
        for (images, labels) in images.chunks(IMAGES_AT_ONCE) {
            let logits = masked(model.forward(images), self.mask.clone());
            let predicted = logits.argmax(1).squeeze_dim::<1>(1);
            let count = predicted.equal(labels).int().sum();
            correct = Some(match correct {
                Some(correct) => correct + count,
                None => count,
            });
        }
        let correct = correct.map_or(0, |correct| correct.into_scalar::<i64>());
        correct as f64 / images.len().max(1) as f64
    }
}

/// Some training images of a task.
pub(super) struct Drawn {
    images: DeviceImages,
    order: Vec<i32>,
}

impl Drawn {
    /// Number of images.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// The images, in batches of `at_once`, each `[batch, pixels]`.
    pub(super) fn images(&self, at_once: usize) -> impl Iterator<Item = Tensor<2>> {
        let device = self.images.device();
        chunks(self.order.len(), at_once).map(move |range| {
            let drawn = indices(self.order[range].to_vec(), &device);
            let (images, _) = self.images.batch(drawn);
            images
        })
    }

    /// The labels, in the order of the images. Reads them from the device.
    pub(super) fn labels(&self) -> Vec<usize> {
        let drawn = indices(self.order.clone(), &self.images.device());
        let labels = self.images.labels(drawn).into_data();
        labels.iter::<i64>().map(|label| label as usize).collect()
    }
}

impl Batch {
    /// The training images of `tasks`, which follow each other, in minibatches; the last may be smaller. `order` indexes
    /// the images of all these tasks, one task after the other.
    pub(super) fn of(
        tasks: &[DeviceTask],
        order: Vec<i32>,
        batch_size: usize,
    ) -> Box<dyn Iterator<Item = Batch> + '_> {
        match tasks {
            [task] => Box::new(of_one(task, order, batch_size)),
            tasks => Box::new(of_several(tasks, order, batch_size)),
        }
    }

    /// The training images at `places`, at least one, of `tasks`: one task after the other, and those of a task in the
    /// given order.
    pub(super) fn at(tasks: &[DeviceTask], places: &[i32]) -> Self {
        let of_task = |task: &DeviceTask| {
            let places = places.iter().filter(|place| task.places.contains(place));
            let places: Vec<i32> = places.copied().collect();
            (!places.is_empty()).then(|| {
                let drawn = places.iter().map(|place| place - task.places.start);
                let drawn = indices(drawn.collect(), &task.train.device());
                let (images, labels) = task.train.batch(drawn);
                Self {
                    images,
                    labels,
                    mask: task.mask.clone(),
                    places,
                }
            })
        };
        Self::joined(tasks.iter().filter_map(of_task).collect())
    }

    /// All of `batches`, at least one, in their order.
    pub(super) fn joined(batches: Vec<Self>) -> Self {
        let (mut images, mut labels, mut masks) = (Vec::new(), Vec::new(), Vec::new());
        let mut places = Vec::new();
        for batch in batches {
            masks.extend(batch.mask_of_each());
            images.push(batch.images);
            labels.push(batch.labels);
            places.extend(batch.places);
        }
        Self {
            images: Tensor::cat(images, 0),
            labels: Tensor::cat(labels, 0),
            mask: (!masks.is_empty()).then(|| Tensor::cat(masks, 0)),
            places,
        }
    }

    /// Number of images.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// What `model` computes for the images, on the side of autodiff.
    pub(super) fn output(&self, model: &Network) -> Output {
        model.output(self.images.clone().autodiff())
    }

    /// The [cross-entropy](Self::cross_entropy) of `model`, and what it computes for the images.
    pub(super) fn loss(&self, model: &Network) -> (Tensor<1>, Output) {
        let output = self.output(model);
        (self.cross_entropy(output.logits.clone()), output)
    }

    /// Mean cross-entropy over the outputs of each image's task, `[1]`. `logits` are those of the images,
    /// `[batch, outputs]`.
    pub(super) fn cross_entropy(&self, logits: Tensor<2>) -> Tensor<1> {
        let logits = masked(logits, self.mask.clone());
        let cross_entropy = CrossEntropyLossConfig::new().init(&logits.device());
        cross_entropy.forward(logits, self.labels.clone())
    }

    /// What is added to the logits, `[batch, outputs]`.
    pub(super) fn mask_of_each(&self) -> Option<Tensor<2>> {
        let mask = self.mask.clone()?;
        let [num_rows, _] = mask.dims();
        Some(match num_rows {
            1 => mask.repeat_dim(0, self.len()),
            _ => mask,
        })
    }
}

/// Logits `[batch, outputs]`, masked if the model is told the task.
fn masked(logits: Tensor<2>, mask: Option<Tensor<2>>) -> Tensor<2> {
    match mask {
        Some(mask) => logits + mask,
        None => logits,
    }
}

fn of_one(
    task: &DeviceTask,
    order: Vec<i32>,
    batch_size: usize,
) -> impl Iterator<Item = Batch> + use<'_> {
    let places: Vec<i32> = order
        .iter()
        .map(|index| index + task.places.start)
        .collect();
    let order = indices(order, &task.train.device());
    chunks(places.len(), batch_size).map(move |range| {
        let drawn = order.clone().narrow(0, range.start, range.len());
        let (images, labels) = task.train.batch(drawn);
        Batch {
            images,
            labels,
            mask: task.mask.clone(),
            places: places[range].to_vec(),
        }
    })
}

fn of_several(
    tasks: &[DeviceTask],
    order: Vec<i32>,
    batch_size: usize,
) -> impl Iterator<Item = Batch> + use<'_> {
    let start = tasks.first().map_or(0, |task| task.places.start);
    let places: Vec<i32> = order.iter().map(|index| index + start).collect();
    chunks(places.len(), batch_size).map(move |range| Batch::at(tasks, &places[range]))
}

/// The places from 0 to `length`, `size` at a time; the last range may be shorter.
pub(super) fn chunks(length: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length)
        .step_by(size)
        .map(move |start| start..length.min(start + size))
}

/// `order`, on the device.
pub(super) fn indices(order: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let length = order.len();
    Tensor::from_data(TensorData::new(order, [length]), device)
}

/// Few enough that the activations of a batch stay in the processor's cache. From 512 on, Burn tries three times as many
/// kernels on a graphics card.
pub(super) const IMAGES_AT_ONCE: usize = 250;

#[cfg(test)]
mod tests {
    use super::super::Scenario;
    use super::super::testing::tasks;
    use super::*;

    #[test]
    fn the_images_of_a_batch_are_found_again_by_their_places() {
        for scenario in [Scenario::Task, Scenario::Domain] {
            let tasks = DeviceTask::upload(&tasks(scenario), &Device::flex());
            let order: Vec<i32> = (0..32).rev().collect();
            let batches: Vec<Batch> = Batch::of(&tasks[1..], order, 20).collect();
            let found: Vec<&[i32]> = batches.iter().map(|it| &it.places[..]).collect();
            let expected: Vec<i32> = (32..64).rev().collect();
            assert_eq!(found, [&expected[..20], &expected[20..]]);
            for batch in batches {
                assert_same(&Batch::at(&tasks, &batch.places), &batch);
            }
        }
    }

    #[test]
    fn the_tasks_before_a_batch_are_those_that_are_learnt() {
        let tasks = DeviceTask::upload(&tasks(Scenario::Task), &Device::flex());
        for (place, num_before) in [(0, 0), (31, 0), (32, 1), (63, 1)] {
            let batch = Batch::at(&tasks, &[place]);
            assert_eq!(DeviceTask::before(&tasks, &batch).len(), num_before);
        }
        assert_eq!(tasks[1].outputs, 2..4);
    }

    #[test]
    fn the_outputs_so_far_leave_out_those_of_later_tasks() {
        for scenario in [Scenario::Task, Scenario::Domain, Scenario::Class] {
            let sequence = tasks(scenario);
            let tasks = DeviceTask::upload(&sequence, &Device::flex());
            assert_eq!(tasks[0].outputs_so_far, 0..2, "{scenario:?}");
            assert_eq!(tasks[1].outputs_so_far, 0..sequence.num_outputs);
        }
    }

    #[test]
    fn images_of_several_tasks_are_one_task_after_the_other_with_their_own_masks() {
        let tasks = DeviceTask::upload(&tasks(Scenario::Task), &Device::flex());
        let batch = Batch::at(&tasks, &[40, 3, 33, 1]);
        assert_eq!(batch.places, [3, 1, 40, 33]);
        let parts = [[3, 1], [40, 33]].map(|places| Batch::at(&tasks, &places));
        let masks = parts.clone().map(|part| part.mask_of_each());
        assert_ne!(
            masks[0].clone().map(Tensor::into_data),
            masks[1].clone().map(Tensor::into_data)
        );
        assert_same(&batch, &Batch::joined(parts.into()));
        let mask = batch.mask_of_each().expect("the task is known");
        assert_eq!(mask.dims(), [4, 4]);
    }

    fn assert_same(batch: &Batch, other: &Batch) {
        assert_eq!(batch.places, other.places);
        assert_eq!(batch.images.to_data(), other.images.to_data());
        assert_eq!(batch.labels.to_data(), other.labels.to_data());
        let [mask, other] = [batch, other].map(|it| it.mask_of_each().map(Tensor::into_data));
        assert_eq!(mask, other);
    }
}
