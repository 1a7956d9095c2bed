//! The division of work among blocks and threads.

use burn::backend::flex::FlexTensor;
use burn::backend::{DType, Flex, ops::FloatTensorOps};
use burn::tensor::{Shape, TensorData};
use rayon::ThreadPoolBuilder;

use super::blocks::{BLOCK, LANES, PART, WORTH_A_THREAD, Workspace, sum_over_blocks};
use super::{advance, pull};

/// On both sides of everything that work is divided at.
const LENGTHS: [usize; 12] = [
    0,
    1,
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

fn tensor(len: usize, phase: usize) -> FlexTensor {
    let value = |index: usize| ((7 * index + phase) as f32).sin();
    let data = TensorData::new((0..len).map(value).collect::<Vec<f32>>(), Shape::new([len]));
    Flex::float_from_data(data, &Default::default())
}

/// What `work` gives with one thread, and with more.
fn by_threads<R: Send>(work: impl Fn() -> R + Sync) -> [R; 4] {
    [1, 2, 3, 8].map(|num_threads| {
        let pool = ThreadPoolBuilder::new().num_threads(num_threads).build();
        pool.expect("threads can be started").install(&work)
    })
}

#[test]
fn every_number_is_worked_on_once() {
    for len in LENGTHS {
        for visits in by_threads(|| {
            let mut visits = vec![0_u8; len];
            sum_over_blocks(&mut visits[..], len, |block, _: &mut Workspace<f32>| {
                block.iter_mut().for_each(|visits| *visits += 1);
            });
            visits
        }) {
            assert!(visits.iter().all(|visits| *visits == 1), "{len} numbers");
        }
    }
}

#[test]
fn numbers_and_sums_are_the_same_to_the_bit_whatever_the_threads() {
    for len in LENGTHS {
        let results = by_threads(|| {
            let held = [tensor(len, 2), tensor(len, 3)];
            let (total, penalty) = pull::<f32, f32>(tensor(len, 0), tensor(len, 1), held, 0.7, 0.5);
            let operands = [4, 5, 6].map(|phase| tensor(len, phase));
            let [gradient, before, after] = operands;
            let path_integral = advance::<f32>(total.clone(), gradient, before, after);
            [total, penalty, path_integral].map(|it| {
                assert_eq!(it.dtype(), DType::F32);
                let numbers: &[f32] = it.storage();
                numbers.iter().map(|number| number.to_bits()).collect()
            })
        });
        let [one, others @ ..]: [[Vec<u32>; 3]; 4] = results;
        assert_eq!(one[0].len(), len);
        for other in others {
            assert!(other == one, "{len} numbers");
        }
    }
}

#[test]
#[should_panic(expected = "the same shape")]
fn slices_of_unequal_length_are_refused() {
    let slices: (&[f32], &[f32]) = (&[0.0; 3], &[0.0; 2]);
    sum_over_blocks(slices, 3, |_, _: &mut Workspace<f32>| {});
}
