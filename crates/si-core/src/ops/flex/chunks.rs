//! Tensors of the same length, in chunks that fit into the processor's registers.

use core::array;
use core::iter::{self, Zip};
use core::slice;

/// The numbers in a chunk: in single precision, those in one of the widest registers that processors have.
pub(super) const LANES: usize = 16;

/// Slices of the same length: one, or nested pairs of them.
pub(super) trait Slices<'s>: Sized + Send {
    /// A chunk of each.
    type Chunk<'c>;
    type Chunks: Iterator<Item = Self::Chunk<'s>>;
    /// Copies of slices that are too short for a chunk.
    type Padded;

    /// Whether each slice has `len` numbers.
    fn all_have(&self, len: usize) -> bool;

    fn split_at(self, middle: usize) -> (Self, Self);

    /// All whole chunks.
    fn into_chunks(self) -> Self::Chunks;

    /// Copies of up to `LANES` numbers, but at least one. The last one is repeated.
    fn padded(&self) -> Self::Padded;

    fn chunk_of(padded: &mut Self::Padded) -> Self::Chunk<'_>;

    /// Takes over what a chunk's numbers have become.
    fn take_over(self, padded: Self::Padded);
}

fn padded<E: Copy>(numbers: &[E]) -> [E; LANES] {
    array::from_fn(|lane| numbers[lane.min(numbers.len() - 1)])
}

impl<'s, E: Copy + Sync + 'static> Slices<'s> for &'s [E] {
    type Chunk<'c> = &'c [E; LANES];
    type Chunks = slice::Iter<'s, [E; LANES]>;
    type Padded = [E; LANES];

    fn all_have(&self, len: usize) -> bool {
        self.len() == len
    }

    #[inline(always)]
    fn split_at(self, middle: usize) -> (Self, Self) {
        <[E]>::split_at(self, middle)
    }

    #[inline(always)]
    fn into_chunks(self) -> Self::Chunks {
        self.as_chunks().0.iter()
    }

    fn padded(&self) -> [E; LANES] {
        padded(self)
    }

    #[inline(always)]
    fn chunk_of(padded: &mut [E; LANES]) -> &[E; LANES] {
        padded
    }

    fn take_over(self, _: [E; LANES]) {}
}

impl<'s, E: Copy + Send + 'static> Slices<'s> for &'s mut [E] {
    type Chunk<'c> = &'c mut [E; LANES];
    type Chunks = slice::IterMut<'s, [E; LANES]>;
    type Padded = [E; LANES];

    fn all_have(&self, len: usize) -> bool {
        self.len() == len
    }

    #[inline(always)]
    fn split_at(self, middle: usize) -> (Self, Self) {
        self.split_at_mut(middle)
    }

    #[inline(always)]
    fn into_chunks(self) -> Self::Chunks {
        self.as_chunks_mut().0.iter_mut()
    }

    fn padded(&self) -> [E; LANES] {
        padded(self)
    }

    #[inline(always)]
    fn chunk_of(padded: &mut [E; LANES]) -> &mut [E; LANES] {
        padded
    }

    fn take_over(self, padded: [E; LANES]) {
        self.copy_from_slice(&padded[..self.len()]);
    }
}

/// No slices.
impl Slices<'_> for () {
    type Chunk<'c> = ();
    type Chunks = iter::Repeat<()>;
    type Padded = ();

    fn all_have(&self, _: usize) -> bool {
        true
    }

    #[inline(always)]
    fn split_at(self, _: usize) -> (Self, Self) {
        ((), ())
    }

    #[inline(always)]
    fn into_chunks(self) -> Self::Chunks {
        iter::repeat(())
    }

    fn padded(&self) {}

    #[inline(always)]
    fn chunk_of((): &mut ()) {}

    fn take_over(self, (): ()) {}
}

impl<'s, A: Slices<'s>, B: Slices<'s>> Slices<'s> for (A, B) {
    type Chunk<'c> = (A::Chunk<'c>, B::Chunk<'c>);
    type Chunks = Zip<A::Chunks, B::Chunks>;
    type Padded = (A::Padded, B::Padded);

    fn all_have(&self, len: usize) -> bool {
        self.0.all_have(len) && self.1.all_have(len)
    }

    #[inline(always)]
    fn split_at(self, middle: usize) -> (Self, Self) {
        let (a, b) = (self.0.split_at(middle), self.1.split_at(middle));
        ((a.0, b.0), (a.1, b.1))
    }

    #[inline(always)]
    fn into_chunks(self) -> Self::Chunks {
        self.0.into_chunks().zip(self.1.into_chunks())
    }

    fn padded(&self) -> Self::Padded {
        (self.0.padded(), self.1.padded())
    }

    #[inline(always)]
    fn chunk_of((a, b): &mut Self::Padded) -> Self::Chunk<'_> {
        (A::chunk_of(a), B::chunk_of(b))
    }

    fn take_over(self, padded: Self::Padded) {
        self.0.take_over(padded.0);
        self.1.take_over(padded.1);
    }
}
