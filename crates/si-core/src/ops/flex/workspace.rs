//! What the work on a block uses besides the block.

use super::number::Number;

/// The numbers of each tensor in a block. The blocks of all tensors of a step fit into the processor's nearest
/// cache, where several passes over them cost little.
pub(super) const BLOCK: usize = 512;

/// The number of partial sums that are computed side by side. With fewer, each addition would wait for the one
/// before it.
pub(super) const LANES: usize = 64;

/// Numbers aligned so that no vector register straddles two cache lines.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Aligned<E, const N: usize>(pub(super) [E; N]);

/// What the work on a block uses besides the block.
pub(super) struct Workspace<E> {
    /// Two blocks of scratch space.
    pub(super) scratch: [Aligned<E, BLOCK>; 2],
    /// Partial sums over the blocks of a part.
    pub(super) sums: Aligned<f64, LANES>,
}

impl<E: Number> Workspace<E> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self {
            scratch: [Aligned([E::zero(); BLOCK]); 2],
            sums: Aligned([0.0; LANES]),
        }
    }

    pub(super) fn total(&self) -> f64 {
        self.sums.0.iter().sum()
    }
}

impl<E> Aligned<E, BLOCK> {
    #[inline(always)]
    pub(super) fn first(&mut self, len: usize) -> &mut [E] {
        &mut self.0[..len]
    }
}
