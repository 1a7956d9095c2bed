//! Runs work on tensors of the same length: divided among threads, and block by block.

use core::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pulp::{Arch, NullaryFnOnce};

use super::chunks::{LANES, Slices};
use super::number::Number;

/// The numbers of each tensor in a block: those whose sums are in their own precision.
pub(super) const BLOCK: usize = 32 * LANES;

/// The size of a part: the numbers that a thread takes at a time.
pub(super) const PART: usize = 64 * BLOCK;

/// The size of a tensor from which a second thread saves more time than it takes to wake it.
pub(super) const WORTH_A_THREAD: usize = 4 * PART;

/// Whether AVX-512 is left unused.
static WITHOUT_AVX512: AtomicBool = AtomicBool::new(false);

/// From now on, leaves AVX-512 unused, or uses it again if the processor has it. This tests and measures on one
/// processor what another one does.
pub fn leave_avx512_unused(unused: bool) {
    WITHOUT_AVX512.store(unused, Ordering::Relaxed);
}

/// The widest vectors that are to be used.
fn arch() -> Arch {
    #[cfg(target_arch = "x86_64")]
    if WITHOUT_AVX512.load(Ordering::Relaxed)
        && let Some(simd) = pulp::x86::V3::try_new()
    {
        return Arch::V3(simd);
    }
    Arch::new()
}

/// Runs `work` on slices of `len` numbers, chunk by chunk, with the widest vectors that the processor has. Uses
/// all threads if there is much to do. Returns the total of what `work` added to the sums that it is given.
///
/// The chunks and the order of summation do not depend on the number of threads. `work` must be
/// `#[inline(always)]` to be compiled for those vectors.
///
/// # Panics
///
/// If the slices differ in length, for example because a parameter was given another shape.
pub(super) fn sum_over_chunks<'s, E: Number, S: Slices<'s>>(
    slices: S,
    len: usize,
    work: impl for<'c> Fn(S::Chunk<'c>, &mut [E; LANES]) + Copy + Send + Sync,
) -> f64 {
    assert!(
        slices.all_have(len),
        "a parameter, its gradient and its state must have the same shape"
    );
    let parts = Parts {
        rest: Some((slices, len)),
        lifetime: PhantomData,
    };
    let num_threads = rayon::current_num_threads().min(len.div_ceil(PART));
    if len < WORTH_A_THREAD || num_threads == 1 {
        parts.map(|(part, len)| sum_of_part(part, len, work)).sum()
    } else {
        sum_by_threads(parts, len, num_threads, work)
    }
}

fn sum_by_threads<'s, E: Number, S: Slices<'s>>(
    parts: Parts<'s, S>,
    len: usize,
    num_threads: usize,
    work: impl for<'c> Fn(S::Chunk<'c>, &mut [E; LANES]) + Copy + Send + Sync,
) -> f64 {
    let mut sums = vec![0.0; len.div_ceil(PART)];
    let queue = Mutex::new(parts.zip(&mut sums));
    let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let do_parts = || {
        while let Some(((part, len), sum)) = take() {
            *sum = sum_of_part(part, len, work);
        }
    };
    // This thread starts at once, while the others wake up.
    rayon::in_place_scope(|scope| {
        for _ in 1..num_threads {
            scope.spawn(|_| do_parts());
        }
        do_parts();
    });
    sums.iter().sum()
}

/// Yields slices of up to `PART` numbers, with their length.
struct Parts<'s, S> {
    rest: Option<(S, usize)>,
    lifetime: PhantomData<&'s ()>,
}

impl<'s, S: Slices<'s>> Iterator for Parts<'s, S> {
    type Item = (S, usize);

    fn next(&mut self) -> Option<(S, usize)> {
        let (slices, len) = self.rest.take()?;
        if len <= PART {
            return Some((slices, len));
        }
        let (part, others) = slices.split_at(PART);
        self.rest = Some((others, len - PART));
        Some((part, PART))
    }
}

fn sum_of_part<'s, E: Number, S: Slices<'s>>(
    slices: S,
    len: usize,
    work: impl for<'c> Fn(S::Chunk<'c>, &mut [E; LANES]),
) -> f64 {
    arch().dispatch(Part {
        slices,
        len,
        work,
        number: PhantomData,
    })
}

/// The work on a part.
struct Part<'s, S, W, E> {
    slices: S,
    len: usize,
    work: W,
    number: PhantomData<&'s E>,
}

impl<'s, E: Number, S: Slices<'s>, W: for<'c> Fn(S::Chunk<'c>, &mut [E; LANES])> NullaryFnOnce
    for Part<'s, S, W, E>
{
    type Output = f64;

    // A closure in place of this function would not always be inlined, and then be compiled for the oldest processor.
    #[inline(always)]
    fn call(self) -> f64 {
        let (mut slices, mut rest) = (self.slices, self.len);
        let mut totals = [0.0; LANES];
        while rest >= LANES {
            let len = rest.min(BLOCK) / LANES * LANES;
            let (block, others) = slices.split_at(len);
            let mut sums = [E::zero(); LANES];
            for chunk in block.into_chunks() {
                (self.work)(chunk, &mut sums);
            }
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total += sum.elem::<f64>();
            }
            (slices, rest) = (others, rest - len);
        }
        if rest > 0 {
            let mut sums = [E::zero(); LANES];
            let mut padded = slices.padded();
            (self.work)(S::chunk_of(&mut padded), &mut sums);
            slices.take_over(padded);
            for (total, sum) in totals.iter_mut().zip(&sums[..rest]) {
                *total += sum.elem::<f64>();
            }
        }
        totals.iter().sum()
    }
}
