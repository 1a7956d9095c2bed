use burn::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

pub(crate) const TASKS: usize = 3;
pub(crate) const INPUTS: usize = 3;
pub(crate) const CLASSES: usize = 4;

/// Divisible by each number of workers.
const BATCH: usize = 12;

/// An input, its label, and the head that predicts it.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    pub(crate) head: usize,
    pub(crate) input: [f32; INPUTS],
    pub(crate) label: usize,
}

pub(crate) fn device() -> Device {
    Device::flex().autodiff()
}

/// The batch of a task and step, always the same. The first task uses only the first head, and the last only the
/// second. In the task between them, the second head gets the first third of the batch, which is in the first
/// worker's share.
pub(crate) fn joint_batch(task: usize, step: usize) -> Vec<Example> {
    let rng = &mut ChaCha8Rng::seed_from_u64(100 * task as u64 + step as u64);
    let head = |index| match task {
        0 => 0,
        1 => usize::from(index < BATCH / 3),
        _ => 1,
    };
    let example = |index| Example {
        head: head(index),
        input: [(); INPUTS].map(|()| rng.random_range(-1.0..1.0)),
        label: rng.random_range(0..CLASSES),
    };
    (0..BATCH).map(example).collect()
}

/// Each worker's share of a batch. With two workers the first share is larger, so that the mean of the means is
/// not the mean.
pub(crate) fn shares(batch: &[Example], num_workers: usize) -> Vec<Vec<Example>> {
    let (first, second) = batch.split_at(batch.len() * 2 / 3);
    match num_workers {
        2 => vec![first.to_vec(), second.to_vec()],
        _ => (batch.chunks(batch.len() / num_workers))
            .map(<[_]>::to_vec)
            .collect(),
    }
}
