use std::cell::Cell;
use std::ops::AddAssign;

use burn::backend::{Dispatch, TensorMetadata, tensor::FloatTensor};
use serde::{Deserialize, Serialize};
use si_core::SynapticIntelligence;

/// What a run took beside plain training: the same network, learning the same tasks with nothing against forgetting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Parameters of the network of plain training.
    pub num_parameters: u64,
    /// What was held at the end of the last task.
    pub kept: Kept,
    /// What was computed in all steps.
    pub passes: Passes,
}

/// What a method holds from one task to the next, beside the network and the optimizer's state of plain training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Floating-point numbers: importance, anchors, copies of the network, further columns, stored logits.
    pub floats: u64,
    /// Bytes of these numbers, and of stored images.
    pub bytes: u64,
}

/// Images that passed through a network while a run trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passes {
    /// Images of the steps' own minibatches. Plain training has one forward and one backward pass for each.
    pub trained: u64,
    /// Forward passes in steps, one for each image.
    pub forwards: u64,
    /// Backward passes in steps, one for each image.
    pub backwards: u64,
    /// Images on which importance was measured at the tasks' ends.
    pub measured: u64,
}

impl Kept {
    /// A tensor of a method's state.
    pub(super) fn tensor(tensor: &FloatTensor<Dispatch>) -> Self {
        let floats = tensor.shape().num_elements() as u64;
        Self {
            floats,
            bytes: floats * tensor.dtype().size() as u64,
        }
    }

    /// What Synaptic Intelligence holds. At a strength of 0 that is nothing: every learner measures path integrals, but they
    /// do not belong to its method.
    pub(super) fn synapses(regularizer: &SynapticIntelligence) -> Self {
        if regularizer.config().strength == 0.0 {
            return Self::default();
        }
        let of_synapses = regularizer.synapses().into_iter().flat_map(|synapse| {
            let tensors = [
                Some(synapse.anchor_primitive()),
                synapse.importance_primitive(),
                synapse.path_integral_primitive(),
            ];
            tensors.into_iter().flatten().map(Self::tensor)
        });
        of_synapses.sum()
    }

    /// That of one of `count` replicas, which hold the same.
    pub(super) fn of_one(self, count: usize) -> Self {
        let count = count as u64;
        Self {
            floats: self.floats / count,
            bytes: self.bytes / count,
        }
    }

    /// Numbers in float32.
    pub(super) fn numbers(count: usize) -> Self {
        Self {
            floats: count as u64,
            bytes: (count * size_of::<f32>()) as u64,
        }
    }

    /// Images with their labels.
    pub(super) fn images(count: usize, num_pixels: usize) -> Self {
        Self {
            floats: 0,
            bytes: (count * bytes_of_image(num_pixels)) as u64,
        }
    }
}

/// Bytes of an image: one for each pixel, and one for its label.
pub(super) fn bytes_of_image(num_pixels: usize) -> usize {
    num_pixels + 1
}

impl AddAssign for Kept {
    fn add_assign(&mut self, other: Self) {
        self.floats += other.floats;
        self.bytes += other.bytes;
    }
}

impl std::iter::Sum for Kept {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |mut sum, part| {
            sum += part;
            sum
        })
    }
}

impl Passes {
    /// Images that pass forward only.
    pub(super) fn forward(count: usize) -> Self {
        Self {
            forwards: count as u64,
            ..Self::default()
        }
    }

    /// Images that pass forward and backward.
    pub(super) fn both(count: usize) -> Self {
        Self {
            backwards: count as u64,
            ..Self::forward(count)
        }
    }

    /// Those since `before`, of a training that is not kept: nothing was learnt by them.
    pub(super) fn discarded_since(self, before: Self) -> Self {
        Self {
            trained: 0,
            forwards: self.forwards - before.forwards,
            backwards: self.backwards - before.backwards,
            measured: self.measured - before.measured,
        }
    }

    /// Images on which importance is measured.
    pub(super) fn measured(count: usize) -> Self {
        Self {
            measured: count as u64,
            ..Self::default()
        }
    }
}

impl AddAssign for Passes {
    fn add_assign(&mut self, other: Self) {
        self.trained += other.trained;
        self.forwards += other.forwards;
        self.backwards += other.backwards;
        self.measured += other.measured;
    }
}

/// Counts passes where they are made.
#[derive(Default)]
pub(super) struct PassCounter(Cell<Passes>);

impl PassCounter {
    pub(super) fn count(&self, passes: Passes) {
        let mut sum = self.0.get();
        sum += passes;
        self.0.set(sum);
    }

    /// Those since the last call.
    pub(super) fn take(&self) -> Passes {
        self.0.take()
    }
}
