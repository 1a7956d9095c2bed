//! The arithmetic on a chunk of each tensor.
//!
//! Results are arrays, which the compiler keeps in registers, and what is updated in place is written last. So nothing
//! depends on whether tensors overlap, and all of a step is done while its numbers are there.

#![expect(
    clippy::needless_range_loop,
    reason = "the compiler vectorises loops over lanes, but not zipped iterators over as many arrays"
)]

use super::chunks::LANES;
use super::number::{Held, Number};

/// The numbers of a penalty.
#[derive(Clone, Copy)]
pub(super) struct Pull<E> {
    /// Factor of the sum of the penalty's terms.
    pub(super) scale: E,
    /// Upper bound of the importance in use.
    pub(super) bound: E,
}

/// Returns the total gradient, g + 2 scale Ω (θ − θ̃), and adds Ω (θ − θ̃)² to the sums.
#[inline(always)]
pub(super) fn pull<E: Number, H: Held<E>>(
    gradient: &[E; LANES],
    parameter: &[E; LANES],
    (importance, anchor): (&[H; LANES], &[H; LANES]),
    Pull { scale, bound }: Pull<E>,
    sums: &mut [E; LANES],
) -> [E; LANES] {
    let twice = scale + scale;
    let mut total = [E::zero(); LANES];
    for lane in 0..LANES {
        let importance = importance[lane].release();
        let displacement = parameter[lane] - anchor[lane].release();
        // This order of the comparison keeps NaN.
        let importance = if importance > bound {
            bound
        } else {
            importance
        };
        let held = importance * displacement;
        total[lane] = gradient[lane] + twice * held;
        sums[lane] = sums[lane] + held * displacement;
    }
    total
}

/// Advances path integrals by one step.
#[inline(always)]
pub(super) fn advance<E: Number>(
    path_integral: &mut [E; LANES],
    gradient: &[E; LANES],
    before: &[E; LANES],
    after: &[E; LANES],
) {
    for lane in 0..LANES {
        path_integral[lane] = path_integral[lane] - (after[lane] - before[lane]) * gradient[lane];
    }
}
