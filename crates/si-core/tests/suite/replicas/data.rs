use burn::prelude::*;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

pub(crate) const TASKS: usize = 3;
pub(crate) const INPUTS: usize = 3;
pub(crate) const CLASSES: usize = 4;

/// Divisible by the numbers of replicas.
const BATCH: usize = 12;

/// Of an input, a label, and the head that tells it.
#[derive(Clone, Debug)]
pub(crate) struct Example {
    pub(crate) head: usize,
    pub(crate) input: [f32; INPUTS],
    pub(crate) label: usize,
}

pub(crate) fn device() -> Device {
    Device::flex().autodiff()
}

/// The same for the same task and step. The first task has the first head alone, the last one the second alone; between
/// them the second head has the first third of the batch, which is in the first replica's share.
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

/// What each replica gets of a batch. The first share is larger than the others where there are two, so that a mean of
/// means is not the mean.
pub(crate) fn shares(batch: &[Example], num_replicas: usize) -> Vec<Vec<Example>> {
    let (first, second) = batch.split_at(batch.len() * 2 / 3);
    match num_replicas {
        2 => vec![first.to_vec(), second.to_vec()],
        _ => (batch.chunks(batch.len() / num_replicas))
            .map(<[_]>::to_vec)
            .collect(),
    }
}
