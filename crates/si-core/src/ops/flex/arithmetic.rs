//! The arithmetic on a chunk of each tensor.
//!
//! Results are arrays, so the compiler can keep them in registers until all of a step is done. Within a function, loads come
//! before stores, so it need not check whether tensors overlap.
//!
//! The compiler vectorises loops over lanes. It does not do so with zipped iterators over as many arrays.

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
    let mut advanced = *path_integral;
    for lane in 0..LANES {
        advanced[lane] = advanced[lane] - (after[lane] - before[lane]) * gradient[lane];
    }
    *path_integral = advanced;
}
