//! What work on a block has beside the block.

use super::number::Number;

/// Numbers of each tensor that are worked on at a time. Those of all tensors of a step fit into the
/// processor's nearest cache, where several passes over them cost little.
pub(super) const BLOCK: usize = 512;

/// Partial sums that are added to side by side: fewer would make each addition wait for the one before it.
pub(super) const LANES: usize = 64;

/// Numbers of which no register straddles two lines of the cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Aligned<E, const N: usize>(pub(super) [E; N]);

/// What work on a block has beside it.
pub(super) struct Workspace<E> {
    /// Two blocks for its own use.
    pub(super) scratch: [Aligned<E, BLOCK>; 2],
    /// What it sums over the blocks of a part.
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
