//! What is done with a block of numbers.

use core::mem::MaybeUninit;

use num_traits::Float;

use burn::backend::Element;
use burn::tensor::bf16;

use super::blocks::{Aligned, LANES};

/// What the blocks hold.
pub(super) trait Number: Element + Float + bytemuck::Pod {}
impl Number for f32 {}
impl Number for f64 {}

/// What importance and anchor are kept as, for numbers `E` to be computed with.
pub(super) trait Held<E>: Element + bytemuck::Pod {
    fn release(self) -> E;
}

impl<E: Number> Held<E> for E {
    #[inline(always)]
    fn release(self) -> E {
        self
    }
}

impl Held<f32> for bf16 {
    #[inline(always)]
    fn release(self) -> f32 {
        // Without the special cases of `to_f32`, which no vector has.
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
}

impl Held<f64> for bf16 {
    #[inline(always)]
    fn release(self) -> f64 {
        let number: f32 = self.release();
        number.into()
    }
}

/// Where a number is written, over what is there or over nothing.
pub(super) trait Slot<E> {
    fn put(&mut self, number: E);
}

impl<E: Number> Slot<E> for E {
    #[inline(always)]
    fn put(&mut self, number: E) {
        *self = number;
    }
}

impl<E: Number> Slot<E> for MaybeUninit<E> {
    #[inline(always)]
    fn put(&mut self, number: E) {
        self.write(number);
    }
}

/// Writes the gradient with the penalty's added to every slot of `total`, and adds Ω (θ − θ̃)² to the sums,
/// each term rounded to its own precision. The slices have the same length.
#[inline(always)]
pub(super) fn pull<E: Number, H: Held<E>>(
    total: &mut [impl Slot<E>],
    gradient: &[E],
    parameter: &[E],
    (importance, anchor): (&[H], &[H]),
    (scale, bound): (E, E),
    sums: &mut Aligned<f64, LANES>,
) {
    let limits = (scale + scale, bound);
    let mut partial = Aligned([E::zero(); LANES]);
    let sum = &mut partial.0;
    // Of a length that the compiler knows, as long as there are as many.
    let (totals, total) = total.as_chunks_mut::<LANES>();
    let (gradients, gradient) = gradient.as_chunks::<LANES>();
    let (parameters, parameter) = parameter.as_chunks::<LANES>();
    let (importances, importance) = importance.as_chunks::<LANES>();
    let (anchors, anchor) = anchor.as_chunks::<LANES>();
    let inputs = gradients.iter().zip(parameters);
    let chunks = inputs.zip(importances.iter().zip(anchors));
    for (total, ((gradient, parameter), (importance, anchor))) in totals.iter_mut().zip(chunks) {
        pull_lanes(
            total,
            sum,
            (gradient, parameter),
            (importance, anchor),
            limits,
        );
    }
    pull_lanes(
        total,
        sum,
        (gradient, parameter),
        (importance, anchor),
        limits,
    );
    for (sum, partial) in sums.0.iter_mut().zip(partial.0) {
        *sum += partial.elem::<f64>();
    }
}

/// The same for up to `LANES` numbers, each with a partial sum of its own.
#[inline(always)]
fn pull_lanes<E: Number, H: Held<E>>(
    total: &mut [impl Slot<E>],
    sum: &mut [E; LANES],
    (gradient, parameter): (&[E], &[E]),
    (importance, anchor): (&[H], &[H]),
    (twice, bound): (E, E),
) {
    let outputs = total.iter_mut().zip(sum);
    let inputs = gradient
        .iter()
        .zip(parameter)
        .zip(importance.iter().zip(anchor));
    for ((total, sum), ((&gradient, &parameter), (&importance, &anchor))) in outputs.zip(inputs) {
        let (importance, displacement) = (importance.release(), parameter - anchor.release());
        // In this order what is not a number stays so.
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

/// Advances path integrals by a step.
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
