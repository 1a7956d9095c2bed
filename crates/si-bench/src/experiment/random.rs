use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

/// What random numbers are drawn for. Each purpose has a separate generator, so a change in one
/// does not change the numbers of the others.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// The network's initial parameters.
    InitialParameters,
    /// The initial parameters of a column of a progressive network that is not its first.
    Column {
        /// Column, from 1.
        column: usize,
    },
    /// The order of the pixels in a task of permuted MNIST.
    PixelOrder {
        /// Task, from 0.
        task: usize,
    },
    /// The backend's own generator in an epoch, which dropout uses.
    Dropout {
        /// Task, from 0.
        task: usize,
        /// Epoch within the task, from 0.
        epoch: usize,
    },
    /// The images that a task's importance is computed on, and their labels.
    Importance {
        /// Task, from 0.
        task: usize,
    },
    /// The images that a step draws from a memory.
    Replay {
        /// Number of images that the memory has seen before.
        num_seen: u64,
    },
    /// The images that a step draws from a memory for its second minibatch.
    SecondReplay {
        /// Number of images that the memory has seen before.
        num_seen: u64,
    },
    /// The images of a minibatch that a memory takes up.
    Memory {
        /// Number of images that the memory has seen before.
        num_seen: u64,
    },
    /// The order of the training images in the second minibatches of an epoch's steps.
    SecondOrder {
        /// Task, from 0.
        task: usize,
        /// Epoch within the task, from 0.
        epoch: usize,
    },
    /// The order of the training images in an epoch of a task.
    Order {
        /// Task, from 0.
        task: usize,
        /// Epoch within the task, from 0.
        epoch: usize,
    },
}

/// The generator of a run for one purpose: the same on every machine.
pub(super) fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let words = match purpose {
        Purpose::InitialParameters => [seed, 0, 0, 0],
        Purpose::Column { column } => [seed, 5, column as u64, 0],
        Purpose::PixelOrder { task } => [seed, 2, task as u64, 0],
        Purpose::Dropout { task, epoch } => [seed, 3, task as u64, epoch as u64],
        Purpose::Importance { task } => [seed, 4, task as u64, 0],
        Purpose::Replay { num_seen } => [seed, 6, num_seen, 0],
        Purpose::Memory { num_seen } => [seed, 7, num_seen, 0],
        Purpose::SecondOrder { task, epoch } => [seed, 8, task as u64, epoch as u64],
        Purpose::SecondReplay { num_seen } => [seed, 9, num_seen, 0],
        Purpose::Order { task, epoch } => [seed, 1, task as u64, epoch as u64],
    };
    let mut key = [0; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// The indices below `len` in random order.
pub(super) fn permutation(len: usize, rng: &mut ChaCha8Rng) -> Vec<i32> {
    let mut indices: Vec<i32> = (0..len as i32).collect();
    indices.shuffle(rng);
    indices
}
