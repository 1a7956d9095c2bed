//! Tests of the division of work into chunks and among threads.

use std::panic::catch_unwind;

use burn::backend::flex::FlexTensor;
use burn::backend::{DType, Flex, ops::FloatTensorOps};
use burn::tensor::{Shape, TensorData, bf16};
use rayon::ThreadPoolBuilder;

use super::blocks::{BLOCK, PART, WORTH_A_THREAD, leave_avx512_unused, sum_over_chunks};
use super::chunks::LANES;
use super::number::{Held, Number};
use super::{advance, pull};
use crate::ops::{PathStep, Penalized, Penalty};

/// Lengths on both sides of every size at which work is divided.
const LENGTHS: [usize; 13] = [
    0,
    1,
    LANES - 1,
    LANES,
    LANES + 1,
    BLOCK - 1,
    BLOCK,
    BLOCK + 1,
    PART,
    PART + 1,
    WORTH_A_THREAD - 1,
    WORTH_A_THREAD,
    WORTH_A_THREAD + PART + 1,
];

fn tensor(len: usize, phase: usize, dtype: DType) -> FlexTensor {
    let value = |index: usize| ((7 * index + phase) as f32).sin();
    let data = TensorData::new((0..len).map(value).collect::<Vec<f32>>(), Shape::new([len]));
    Flex::float_from_data(data.convert_dtype(dtype), &Default::default())
}

/// The results of `work` with 1, 2, 3 and 8 threads.
fn by_threads<R: Send>(work: impl Fn() -> R + Sync) -> [R; 4] {
    [1, 2, 3, 8].map(|num_threads| {
        let pool = ThreadPoolBuilder::new().num_threads(num_threads).build();
        pool.expect("threads can be started").install(&work)
    })
}

#[test]
fn every_number_is_visited_once() {
    for len in LENGTHS {
        for visits in by_threads(|| {
            let mut visits = vec![0_u8; len];
            sum_over_chunks(&mut visits[..], len, |chunk, _: &mut [f32; LANES]| {
                chunk.iter_mut().for_each(|visits| *visits += 1);
            });
            visits
        }) {
            assert!(visits.iter().all(|visits| *visits == 1), "{len} numbers");
        }
    }
}

#[test]
fn every_number_is_in_the_sum_once() {
    for len in LENGTHS {
        for sum in by_threads(|| {
            let numbers = vec![1.0_f32; len];
            sum_over_chunks(&numbers[..], len, |chunk, sums: &mut [f32; LANES]| {
                for (sum, number) in sums.iter_mut().zip(chunk) {
                    *sum += number;
                }
            })
        }) {
            assert_eq!(sum, len as f64);
        }
    }
}

/// The bytes of a total gradient, a penalty and a path integral.
fn synaptic<E: Number, H: Held<E>>(len: usize) -> [Vec<u8>; 3] {
    let number = |phase| tensor(len, phase, E::dtype());
    let [importance, anchor] = [2, 3].map(|phase| tensor(len, phase, H::dtype()));
    let penalty = Penalty {
        parameter: number(1),
        importance,
        anchor,
        scale: 0.7,
        bound: 0.5,
    };
    let Penalized { gradient, penalty } = pull::<E, H>(number(0), penalty);
    let step = PathStep {
        gradient: number(4),
        before: number(5),
        after: number(6),
    };
    let path_integral = advance::<E>(gradient.clone(), step);
    [gradient, penalty, path_integral].map(|it| {
        assert_eq!(it.dtype(), E::dtype());
        it.bytes().to_vec()
    })
}

#[test]
fn numbers_and_sums_are_the_same_to_the_bit_whatever_the_threads() {
    let functions = [
        synaptic::<f32, f32>,
        synaptic::<f32, bf16>,
        synaptic::<f64, f64>,
        synaptic::<f64, bf16>,
    ];
    for len in LENGTHS {
        for synaptic in functions {
            let [one, others @ ..] = by_threads(|| synaptic(len));
            assert!(others.iter().all(|other| *other == one), "{len} numbers");
        }
    }
}

#[test]
fn numbers_and_sums_are_the_same_to_the_bit_without_avx_512() {
    for len in LENGTHS {
        let widest = synaptic::<f32, f32>(len);
        leave_avx512_unused(true);
        let narrower = synaptic::<f32, f32>(len);
        leave_avx512_unused(false);
        assert_eq!(widest, narrower, "{len} numbers");
    }
}

#[test]
fn panic_in_a_part_reaches_the_caller() {
    let outcomes = by_threads(|| {
        let numbers = vec![0_u8; WORTH_A_THREAD + PART];
        let panics = |_: &[u8; LANES], _: &mut [f32; LANES]| panic!("on purpose");
        catch_unwind(|| sum_over_chunks(&numbers[..], numbers.len(), panics)).is_err()
    });
    assert_eq!(outcomes, [true; 4]);
}

#[test]
#[should_panic(expected = "the same shape")]
fn slices_of_unequal_length_are_refused() {
    let slices: (&[f32], &[f32]) = (&[0.0; 3], &[0.0; 2]);
    sum_over_chunks(slices, 3, |_, _: &mut [f32; LANES]| {});
}
