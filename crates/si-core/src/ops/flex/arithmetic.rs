//! The arithmetic on a block of numbers.

use super::number::{Held, Number, Slot};
use super::workspace::{Aligned, LANES};

/// The numbers of a penalty.
#[derive(Clone, Copy)]
pub(super) struct Pull<E> {
    /// Factor of the sum of the penalty's terms.
    pub(super) scale: E,
    /// Upper bound of the importance in use.
    pub(super) bound: E,
}

/// Writes the total gradient, g + 2 scale Ω (θ − θ̃), to `total`, and adds Ω (θ − θ̃)² to the sums. Sums within a
/// block are in the precision of its numbers.
#[inline(always)]
pub(super) fn pull<E: Number, H: Held<E>>(
    total: &mut [impl Slot<E>],
    gradient: &[E],
    parameter: &[E],
    (importance, anchor): (&[H], &[H]),
    numbers: Pull<E>,
    sums: &mut Aligned<f64, LANES>,
) {
    debug_assert!(
        [
            gradient.len(),
            parameter.len(),
            importance.len(),
            anchor.len()
        ] == [total.len(); 4]
    );
    let mut partial = Aligned([E::zero(); LANES]);
    let sum = &mut partial.0;
    // Chunks of a length that the compiler knows, and the rest.
    let (totals, total) = total.as_chunks_mut::<LANES>();
    let (gradients, gradient) = gradient.as_chunks::<LANES>();
    let (parameters, parameter) = parameter.as_chunks::<LANES>();
    let (importances, importance) = importance.as_chunks::<LANES>();
    let (anchors, anchor) = anchor.as_chunks::<LANES>();
    let inputs = gradients.iter().zip(parameters);
    let chunks = inputs.zip(importances.iter().zip(anchors));
    for (total, ((gradient, parameter), (importance, anchor))) in totals.iter_mut().zip(chunks) {
        let held = (&importance[..], &anchor[..]);
        pull_lanes(total, sum, (gradient, parameter), held, numbers);
    }
    let held = (importance, anchor);
    pull_lanes(total, sum, (gradient, parameter), held, numbers);
    for (sum, partial) in sums.0.iter_mut().zip(partial.0) {
        *sum += partial.elem::<f64>();
    }
}

/// The same for up to `LANES` numbers, each with a separate sum.
#[inline(always)]
fn pull_lanes<E: Number, H: Held<E>>(
    total: &mut [impl Slot<E>],
    sum: &mut [E; LANES],
    (gradient, parameter): (&[E], &[E]),
    (importance, anchor): (&[H], &[H]),
    Pull { scale, bound }: Pull<E>,
) {
    let twice = scale + scale;
    let outputs = total.iter_mut().zip(sum);
    let inputs = gradient
        .iter()
        .zip(parameter)
        .zip(importance.iter().zip(anchor));
    for ((total, sum), ((&gradient, &parameter), (&importance, &anchor))) in outputs.zip(inputs) {
        let (importance, displacement) = (importance.release(), parameter - anchor.release());
        // This order of the comparison keeps NaN.
        let importance = if importance > bound {
            bound
        } else {
            importance
        };
        let held = importance * displacement;
        total.put(gradient + twice * held);
        *sum = *sum + held * displacement;
    }
}

/// Advances path integrals by one step.
#[inline(always)]
pub(super) fn advance<E: Number>(
    path_integral: &mut [E],
    gradient: &[E],
    before: &[E],
    after: &[E],
) {
    let operands = gradient.iter().zip(before).zip(after);
    for (path_integral, ((&gradient, &before), &after)) in path_integral.iter_mut().zip(operands) {
        *path_integral = *path_integral - (after - before) * gradient;
    }
}
