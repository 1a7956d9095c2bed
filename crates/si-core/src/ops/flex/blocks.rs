//! Work on tensors of the same length, a few numbers of each at a time.

use std::array;

use num_traits::Float;
use pulp::Arch;

use burn::backend::Element;
use burn::tensor::bf16;

/// Numbers of each tensor that are worked on at a time. Those of all tensors of a step fit into the
/// processor's nearest cache, where several passes over them cost little.
pub(super) const BLOCK: usize = 512;

/// Numbers that one thread works on without interruption.
const PART: usize = 64 * BLOCK;

/// Slices of the same length.
pub(super) trait Slices: Sized + Send {
    /// Whether each has as many numbers.
    fn all_have(&self, len: usize) -> bool;

    fn split_at(self, middle: usize) -> (Self, Self);
}

impl<E: Sync> Slices for &[E] {
    fn all_have(&self, len: usize) -> bool {
        self.len() == len
    }

    #[inline(always)]
    fn split_at(self, middle: usize) -> (Self, Self) {
        <[E]>::split_at(self, middle)
    }
}

impl<E: Send> Slices for &mut [E] {
    fn all_have(&self, len: usize) -> bool {
        self.len() == len
    }

    #[inline(always)]
    fn split_at(self, middle: usize) -> (Self, Self) {
        self.split_at_mut(middle)
    }
}

impl<A: Slices, B: Slices> Slices for (A, B) {
    fn all_have(&self, len: usize) -> bool {
        self.0.all_have(len) && self.1.all_have(len)
    }

    #[inline(always)]
    fn split_at(self, middle: usize) -> (Self, Self) {
        let (a, b) = (self.0.split_at(middle), self.1.split_at(middle));
        ((a.0, b.0), (a.1, b.1))
    }
}

impl<S: Slices, const N: usize> Slices for [S; N] {
    fn all_have(&self, len: usize) -> bool {
        self.iter().all(|slices| slices.all_have(len))
    }

    #[inline(always)]
    fn split_at(self, middle: usize) -> (Self, Self) {
        let mut rest = [const { None }; N];
        let mut index = 0;
        let left = self.map(|slices| {
            let (left, right) = slices.split_at(middle);
            rest[index] = Some(right);
            index += 1;
            left
        });
        let mut rest = rest.into_iter().flatten();
        let right = array::from_fn(|_| rest.next().expect("as many as on the left"));
        (left, right)
    }
}

/// The sum of `work` over slices of `len` numbers, block by block, with the widest vectors that the
/// processor has, and by all threads where there is much to do.
///
/// The blocks and the order of their sum are the same whatever the number of threads. `work` must be
/// `#[inline(always)]` to be compiled for those vectors.
///
/// # Panics
///
/// If the slices differ in length, as those of a parameter do that was given another shape.
pub(super) fn sum_over_blocks<S: Slices>(
    slices: S,
    len: usize,
    work: impl Fn(S) -> f64 + Copy + Send + Sync,
) -> f64 {
    assert!(
        slices.all_have(len),
        "a parameter, its gradient and its state must have the same shape"
    );
    if len <= PART {
        return Arch::new().dispatch(
            #[inline(always)]
            || {
                let (mut slices, mut rest, mut sum) = (slices, len, 0.0);
                while rest > BLOCK {
                    let (block, others) = slices.split_at(BLOCK);
                    sum += work(block);
                    slices = others;
                    rest -= BLOCK;
                }
                sum + work(slices)
            },
        );
    }
    let middle = (len / 2).next_multiple_of(BLOCK);
    let (left, right) = slices.split_at(middle);
    let left = || sum_over_blocks(left, middle, work);
    let right = || sum_over_blocks(right, len - middle, work);
    // With one worker, `join` would only block the caller until that has done it.
    let (left, right) = match rayon::current_num_threads() {
        1 => (left(), right()),
        _ => rayon::join(left, right),
    };
    left + right
}

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

/// A block that nothing else sees.
pub(super) struct Scratch<E>([E; BLOCK]);

impl<E: Number> Scratch<E> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self([E::zero(); BLOCK])
    }

    #[inline(always)]
    pub(super) fn first(&mut self, len: usize) -> &mut [E] {
        &mut self.0[..len]
    }
}

/// Gives the gradient with the penalty's added, and what each synapse adds to Σ Ω (θ − θ̃)².
#[inline(always)]
pub(super) fn pull<E: Number, H: Held<E>>(
    total: &mut [E],
    terms: &mut [E],
    gradient: &[E],
    parameter: &[E],
    (importance, anchor): (&[H], &[H]),
    (scale, bound): (E, E),
) {
    let twice = scale + scale;
    let outputs = total.iter_mut().zip(terms);
    let inputs = gradient.iter().zip(parameter).zip(importance).zip(anchor);
    for ((total, term), (((&gradient, &parameter), &importance), &anchor)) in outputs.zip(inputs) {
        let (importance, displacement) = (importance.release(), parameter - anchor.release());
        // In this order what is not a number stays so.
        let importance = if importance > bound {
            bound
        } else {
            importance
        };
        let held = importance * displacement;
        *total = gradient + twice * held;
        *term = held * displacement;
    }
}

/// The sum of a block, of which each number is rounded to its own precision.
#[inline(always)]
pub(super) fn sum<E: Number>(terms: &[E]) -> f64 {
    // As many partial sums as the widest register has lanes: one would chain every addition.
    const LANES: usize = 16;
    let (chunks, rest) = terms.as_chunks::<LANES>();
    let mut partial = [E::zero(); LANES];
    for chunk in chunks {
        for (partial, &term) in partial.iter_mut().zip(chunk) {
            *partial = *partial + term;
        }
    }
    let of_rest = rest.iter().fold(E::zero(), |sum, &term| sum + term);
    let sum = partial.into_iter().fold(of_rest, |sum, lane| sum + lane);
    sum.elem()
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
