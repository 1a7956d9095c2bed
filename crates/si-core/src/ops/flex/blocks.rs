//! Runs work on tensors of the same length, block by block.

use std::array;
use std::sync::{Mutex, PoisonError};

use pulp::Arch;

use super::number::Number;
use super::workspace::{BLOCK, Workspace};

/// The size of a part: the numbers that a thread takes at a time.
pub(super) const PART: usize = 64 * BLOCK;

/// The size of a tensor from which a second thread saves more time than it takes to wake it.
pub(super) const WORTH_A_THREAD: usize = 4 * PART;

/// Slices of the same length.
pub(super) trait Slices: Sized + Send {
    /// Whether each slice has `len` numbers.
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
        let right = array::from_fn(|_| rest.next().expect("there are as many as on the left"));
        (left, right)
    }
}

/// Runs `work` on slices of `len` numbers, block by block, with the widest vectors that the processor has. Uses
/// all threads if there is much to do. Returns the total of what `work` added to the workspace's sums.
///
/// The blocks and the order of summation do not depend on the number of threads. `work` must be
/// `#[inline(always)]` to be compiled for those vectors.
///
/// # Panics
///
/// If the slices differ in length, for example because a parameter was given another shape.
pub(super) fn sum_over_blocks<E: Number, S: Slices>(
    slices: S,
    len: usize,
    work: impl Fn(S, &mut Workspace<E>) + Copy + Send + Sync,
) -> f64 {
    assert!(
        slices.all_have(len),
        "a parameter, its gradient and its state must have the same shape"
    );
    let parts = Parts {
        rest: Some((slices, len)),
    };
    let num_threads = rayon::current_num_threads().min(len.div_ceil(PART));
    if len < WORTH_A_THREAD || num_threads == 1 {
        parts.map(|(part, len)| sum_of_part(part, len, work)).sum()
    } else {
        sum_by_threads(parts, len, num_threads, work)
    }
}

fn sum_by_threads<E: Number, S: Slices>(
    parts: Parts<S>,
    len: usize,
    num_threads: usize,
    work: impl Fn(S, &mut Workspace<E>) + Copy + Send + Sync,
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
struct Parts<S> {
    rest: Option<(S, usize)>,
}

impl<S: Slices> Iterator for Parts<S> {
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

fn sum_of_part<E: Number, S: Slices>(
    slices: S,
    len: usize,
    work: impl Fn(S, &mut Workspace<E>) + Copy,
) -> f64 {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let (mut slices, mut rest) = (slices, len);
            let mut workspace = Workspace::new();
            while rest > BLOCK {
                let (block, others) = slices.split_at(BLOCK);
                work(block, &mut workspace);
                slices = others;
                rest -= BLOCK;
            }
            work(slices, &mut workspace);
            workspace.total()
        },
    )
}
