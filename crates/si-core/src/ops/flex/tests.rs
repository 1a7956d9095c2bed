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
use crate::ops::{
    AdamTensors, AdamUpdate, BiasCorrection, PathStep, Penalized, Penalty, SynapseTensors,
    SynapticOps, SynapticUpdate,
};
use crate::settings::PathGradient;

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

/// The bytes of a parameter, Adam's moments, a path integral and a penalty after a step.
fn updated<E: Number, H: Held<E>>(len: usize) -> [Vec<u8>; 5]
where
    bf16: Held<E>,
{
    let number = |phase| tensor(len, phase, E::dtype());
    let [importance, anchor] = [2, 3].map(|phase| tensor(len, phase, H::dtype()));
    let tensors = AdamTensors {
        parameter: number(1),
        moment_1: number(4),
        moment_2: Flex::float_abs(number(5)),
    };
    let synapse = SynapseTensors {
        path_integral: number(6),
        importance,
        anchor,
        penalty_sum: tensor(1, 0, E::dtype()),
    };
    let adam = AdamUpdate {
        beta_1: 0.9,
        beta_2: 0.999,
        correction: BiasCorrection::Joint(0.8),
        epsilon: 1e-5,
        learning_rate: 0.1,
        weight_decay: 0.01,
        decoupled_decay: 0.0,
    };
    let synaptic = SynapticUpdate {
        scale: 0.7,
        bound: 0.5,
        path_gradient: PathGradient::Total,
    };
    let (tensors, advanced) = Flex::synaptic_adam(tensors, number(0), synapse, adam, synaptic);
    [
        tensors.parameter,
        tensors.moment_1,
        tensors.moment_2,
        advanced.path_integral,
        advanced.penalty_sum,
    ]
    .map(|it| it.bytes().to_vec())
}

/// The bytes of all results, in each combination of precisions.
fn everything(len: usize) -> Vec<Vec<u8>> {
    let apart = [
        synaptic::<f32, f32>(len),
        synaptic::<f32, bf16>(len),
        synaptic::<f64, f64>(len),
        synaptic::<f64, bf16>(len),
    ];
    let at_once = [
        updated::<f32, f32>(len),
        updated::<f32, bf16>(len),
        updated::<f64, f64>(len),
        updated::<f64, bf16>(len),
    ];
    apart.concat().into_iter().chain(at_once.concat()).collect()
}

#[test]
fn numbers_and_sums_are_the_same_to_the_bit_whatever_the_threads() {
    for len in LENGTHS {
        let [one, others @ ..] = by_threads(|| everything(len));
        assert!(others.iter().all(|other| *other == one), "{len} numbers");
    }
}

#[test]
fn numbers_and_sums_are_the_same_to_the_bit_without_avx_512() {
    for len in LENGTHS {
        let widest = everything(len);
        leave_avx512_unused(true);
        let narrower = everything(len);
        leave_avx512_unused(false);
        assert!(widest == narrower, "{len} numbers");
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
