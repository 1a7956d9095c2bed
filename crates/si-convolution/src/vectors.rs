//! The processor's vectors.

use std::sync::atomic::{AtomicU8, Ordering};

use pulp::{Arch, Simd, WithSimd};

/// Which vectors are used, to test and measure on one processor what another one does.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Vectors {
    /// The widest ones.
    Widest,
    /// Those of x86-64 without AVX-512.
    Avx2,
    /// Single numbers.
    None,
}

static VECTORS: AtomicU8 = AtomicU8::new(Vectors::Widest as u8);

/// Uses these vectors from now on, if the processor has them.
#[doc(hidden)]
pub fn use_vectors(vectors: Vectors) {
    VECTORS.store(vectors as u8, Ordering::Relaxed);
}

pub(crate) fn arch() -> Arch {
    let vectors = VECTORS.load(Ordering::Relaxed);
    if vectors == Vectors::None as u8 {
        return Arch::Scalar;
    }
    #[cfg(target_arch = "x86_64")]
    if vectors == Vectors::Avx2 as u8
        && let Some(simd) = pulp::x86::V3::try_new()
    {
        return Arch::V3(simd);
    }
    Arch::new()
}

/// Numbers in a vector.
pub(crate) fn lanes(arch: Arch) -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    arch.dispatch(Lanes)
}

/// The most columns of a tile of two vectors each. Its sums, two vectors of factors and one more factor fit into the registers.
pub(crate) const fn most_columns<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 13 } else { 6 }
}

/// Parts of `0..len` of at most `most`, which differ little in size.
#[inline(always)]
pub(crate) fn even_parts(len: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let part = len.div_ceil(len.div_ceil(most).max(1)).max(1);
    (0..len).step_by(part).map(
        #[inline(always)]
        move |start| (start, part.min(len - start)),
    )
}

/// Work on sums that are kept in registers: some columns of one or two vectors each.
pub(crate) trait Tile<S: Simd> {
    fn run<const COLUMNS: usize, const VECTORS: usize>(self, simd: S);
}

/// Runs a tile with its size as constants.
///
/// # Panics
///
/// If it has no columns, or more than [`most_columns`].
#[inline(always)]
pub(crate) fn run_tile<S: Simd>(simd: S, columns: usize, vectors: usize, tile: impl Tile<S>) {
    macro_rules! run {
        ($($number:literal)*) => {
            match (columns, vectors) {
                $(
                    ($number, 1) => tile.run::<$number, 1>(simd),
                    ($number, _) => tile.run::<$number, 2>(simd),
                )*
                _ => unreachable!("a tile of {columns} columns"),
            }
        };
    }
    if most_columns::<S>() < 13 {
        run!(1 2 3 4 5 6)
    } else {
        run!(1 2 3 4 5 6 7 8 9 10 11 12 13)
    }
}
