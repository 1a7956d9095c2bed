//! Blocks of 8 × 8 numbers in registers.

use std::arch::x86_64::__m256;
use std::array;

use pulp::bytemuck;
use pulp::x86::V3;

use super::{Finish, Strided};
use crate::convolution::Activation;

const BLOCK: usize = 8;

/// # Panics
///
/// If there are fewer than 8 rows or columns, or if a matrix is longer than its slice.
pub(super) fn transpose(
    simd: V3,
    [rows, columns]: [usize; 2],
    from: Strided<&[f32]>,
    to: Strided<&mut [f32]>,
    finish: Finish<'_>,
) {
    simd.vectorize(
        #[inline(always)]
        || {
            for row in starts(rows) {
                for column in starts(columns) {
                    let block = read(&from.numbers[row * from.stride + column..], from.stride);
                    let mut block = transpose_block(simd, block);
                    if let Some(bias) = finish.bias {
                        add(simd, &mut block, &bias[column..]);
                    }
                    if finish.activation == Activation::Relu {
                        rectify(simd, &mut block);
                    }
                    write(
                        &mut to.numbers[column * to.stride + row..],
                        to.stride,
                        block,
                    );
                }
            }
        },
    );
}

/// Where the blocks start. The last two overlap if `len` is not a multiple of their size.
#[inline(always)]
fn starts(len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(BLOCK).map(
        #[inline(always)]
        move |start| start.min(len - BLOCK),
    )
}

#[inline(always)]
fn read(numbers: &[f32], stride: usize) -> [__m256; BLOCK] {
    let numbers = &numbers[..(BLOCK - 1) * stride + BLOCK];
    array::from_fn(
        #[inline(always)]
        |row| {
            let row: [f32; BLOCK] = *numbers[row * stride..]
                .first_chunk()
                .expect("a row that is not the last is followed by others");
            bytemuck::cast(row)
        },
    )
}

#[inline(always)]
fn write(numbers: &mut [f32], stride: usize, block: [__m256; BLOCK]) {
    let numbers = &mut numbers[..(BLOCK - 1) * stride + BLOCK];
    for (row, block) in block.into_iter().enumerate() {
        let row = numbers[row * stride..].first_chunk_mut();
        let row: &mut [f32; BLOCK] = row.expect("a row that is not the last is followed by others");
        *row = bytemuck::cast(block);
    }
}

#[inline(always)]
fn add(simd: V3, block: &mut [__m256; BLOCK], bias: &[f32]) {
    for (row, bias) in block.iter_mut().zip(&bias[..BLOCK]) {
        *row = simd.avx._mm256_add_ps(*row, simd.avx._mm256_set1_ps(*bias));
    }
}

/// Keeps what is not a number: the instruction returns its second operand if one is not.
#[inline(always)]
fn rectify(simd: V3, block: &mut [__m256; BLOCK]) {
    for row in block {
        *row = simd.avx._mm256_max_ps(simd.avx._mm256_setzero_ps(), *row);
    }
}

/// Pairs of numbers, then fours, then eights come together.
#[inline(always)]
fn transpose_block(simd: V3, rows: [__m256; BLOCK]) -> [__m256; BLOCK] {
    let [a, b, c, d, e, f, g, h] = rows;
    let [ab, cd, ef, gh] = [
        interleave(simd, a, b),
        interleave(simd, c, d),
        interleave(simd, e, f),
        interleave(simd, g, h),
    ];
    let [a, b, c, d] = join(simd, ab, cd);
    let [e, f, g, h] = join(simd, ef, gh);
    let lower = |x, y| simd.avx._mm256_permute2f128_ps::<0x20>(x, y);
    let upper = |x, y| simd.avx._mm256_permute2f128_ps::<0x31>(x, y);
    [
        lower(a, e),
        lower(b, f),
        lower(c, g),
        lower(d, h),
        upper(a, e),
        upper(b, f),
        upper(c, g),
        upper(d, h),
    ]
}

#[inline(always)]
fn interleave(simd: V3, a: __m256, b: __m256) -> [__m256; 2] {
    [
        simd.avx._mm256_unpacklo_ps(a, b),
        simd.avx._mm256_unpackhi_ps(a, b),
    ]
}

#[inline(always)]
fn join(simd: V3, ab: [__m256; 2], cd: [__m256; 2]) -> [__m256; 4] {
    [
        simd.avx._mm256_shuffle_ps::<0x44>(ab[0], cd[0]),
        simd.avx._mm256_shuffle_ps::<0xee>(ab[0], cd[0]),
        simd.avx._mm256_shuffle_ps::<0x44>(ab[1], cd[1]),
        simd.avx._mm256_shuffle_ps::<0xee>(ab[1], cd[1]),
    ]
}
