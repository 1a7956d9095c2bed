//! The fused operations of the tested device agree with the composed ones.

use burn::backend::{Dispatch, Flex, tensor::FloatTensor};
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::{AdamUpdate, SgdUpdate, SynapticBackend, SynapticOps, SynapticUpdate, composed};
use crate::settings::PathGradient;
use crate::test_device::device;

/// Sizes on both sides of a block and of a register, and size 0.
const SHAPES: [[usize; 2]; 5] = [[0, 3], [1, 1], [3, 5], [64, 64], [70, 61]];
const SCALE: f64 = 0.7;

/// The data types that the device supports, each with a tolerance.
fn dtypes() -> impl Iterator<Item = (DType, f64)> {
    let dtypes = [(DType::F32, 1e-5), (DType::F64, 1e-13), (DType::BF16, 0.05)];
    let device = device();
    dtypes
        .into_iter()
        .filter(move |(dtype, _)| device.supports_dtype(*dtype))
}

fn random(rng: &mut ChaCha8Rng, shape: [usize; 2], dtype: DType) -> Tensor<2> {
    let values: Vec<f64> = (0..shape[0] * shape[1])
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_data(TensorData::new(values, shape), (&device(), dtype))
}

fn primitive(tensor: &Tensor<2>) -> FloatTensor<Dispatch> {
    Dispatch::primitive(tensor.clone())
}

fn assert_close<const D: usize>(
    actual: FloatTensor<Dispatch>,
    expected: FloatTensor<Dispatch>,
    tolerance: f64,
) {
    let actual = Dispatch::tensor::<D>(actual).into_data();
    let expected = Dispatch::tensor::<D>(expected).into_data();
    assert_eq!(actual.shape(), expected.shape());
    for (actual, expected) in actual.iter::<f64>().zip(expected.iter::<f64>()) {
        assert!(
            (actual - expected).abs() <= tolerance * expected.abs().max(1.0),
            "{actual} is not {expected}"
        );
    }
}

/// The tolerance of a sum grows with the square root of the number of its terms.
fn tolerance_of_sum(tolerance: f64, shape: [usize; 2]) -> f64 {
    let elements = shape[0] * shape[1];
    tolerance * (1.0 + elements as f64).sqrt()
}

#[test]
fn path_integral_in_one_pass_equals_that_of_composed_operations() {
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    for shape in SHAPES {
        for (dtype, tolerance) in dtypes() {
            let [integral, gradient, before, after] =
                std::array::from_fn(|_| random(rng, shape, dtype));
            let operands = || [&integral, &gradient, &before, &after].map(primitive);
            let [a, b, c, d] = operands();
            let fused = Dispatch::advance_path_integral(a, b, c, d);
            let [a, b, c, d] = operands();
            let composed = composed::advance_path_integral::<Dispatch>(a, b, c, d);
            assert_close::<2>(fused, composed, tolerance);
        }
    }
}

#[test]
fn penalty_in_one_pass_equals_that_of_composed_operations() {
    let rng = &mut ChaCha8Rng::seed_from_u64(2);
    for shape in SHAPES {
        for (dtype, tolerance) in dtypes() {
            for bound in [f64::INFINITY, 0.3] {
                for (held_dtype, _) in
                    dtypes().filter(|(held, _)| [dtype, DType::BF16].contains(held))
                {
                    let [gradient, parameter] = std::array::from_fn(|_| random(rng, shape, dtype));
                    let held: [_; 2] = std::array::from_fn(|_| random(rng, shape, held_dtype));
                    let operands = || [&gradient, &parameter, &held[0], &held[1]].map(primitive);
                    let [a, b, c, d] = operands();
                    let (fused, fused_penalty) = Dispatch::penalize(a, b, c, d, SCALE, bound);
                    let [a, b, c, d] = operands();
                    let (composed, penalty) =
                        composed::penalize::<Dispatch>(a, b, c, d, SCALE, bound);
                    assert_close::<2>(fused, composed, tolerance);
                    assert_close::<1>(fused_penalty, penalty, tolerance_of_sum(tolerance, shape));
                }
            }
        }
    }
}

/// θ, g, a state, ω, Ω and θ̃. If the device supports bf16, a coin toss decides whether the last two are in bf16.
fn tensors(rng: &mut ChaCha8Rng, shape: [usize; 2], dtype: DType) -> [Tensor<2>; 6] {
    let bears = device().supports_dtype(DType::BF16);
    let held = if bears && rng.random_bool(0.5) {
        DType::BF16
    } else {
        dtype
    };
    [dtype, dtype, dtype, dtype, held, held].map(|dtype| random(rng, shape, dtype))
}

const SYNAPTIC: [SynapticUpdate; 3] = [
    SynapticUpdate {
        scale: SCALE,
        bound: f64::INFINITY,
        path_gradient: PathGradient::Task,
    },
    SynapticUpdate {
        scale: SCALE,
        bound: 0.3,
        path_gradient: PathGradient::Total,
    },
    SynapticUpdate {
        scale: 0.0,
        bound: f64::INFINITY,
        path_gradient: PathGradient::Task,
    },
];

#[test]
fn adam_in_one_pass_equals_that_of_composed_operations() {
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    let adam = AdamUpdate {
        beta_1: 0.9,
        beta_2: 0.999,
        correction: 0.8,
        epsilon: 1e-8,
        learning_rate: 0.1,
        weight_decay: 0.01,
    };
    for shape in LARGE_SHAPES {
        for (dtype, tolerance) in dtypes() {
            let tensors = tensors(rng, shape, dtype);
            let moment_2 = random(rng, shape, dtype).abs();
            for synaptic in SYNAPTIC {
                let operands = || tensors.each_ref().map(primitive);
                let [p, g, m, path_integral, importance, anchor] = operands();
                let v = primitive(&moment_2);
                let fused = Dispatch::synaptic_adam(
                    p,
                    g,
                    m,
                    v,
                    path_integral,
                    importance,
                    anchor,
                    adam,
                    synaptic,
                );
                let [p, g, m, path_integral, importance, anchor] = operands();
                let v = primitive(&moment_2);
                let synapse = [path_integral, importance, anchor];
                let update = |p, g| composed::adam::<Dispatch>(p, g, [m, v], adam);
                let (composed, path_integral, penalty) =
                    composed::synaptic::<Dispatch, _>(p, g, synapse, synaptic, update);
                let [p, m, v] = composed;
                assert_close::<2>(fused.0, p, tolerance);
                assert_close::<2>(fused.1, m, tolerance);
                assert_close::<2>(fused.2, v, tolerance);
                assert_close::<2>(fused.3, path_integral, tolerance);
                assert_close::<1>(fused.4, penalty, tolerance_of_sum(tolerance, shape));
            }
            let [p, g, m, ..] = tensors.each_ref().map(primitive);
            let fused = Dispatch::adam(p, g, m, primitive(&moment_2), adam);
            let [p, g, m, ..] = tensors.each_ref().map(primitive);
            let [p, m, v] = composed::adam::<Dispatch>(p, g, [m, primitive(&moment_2)], adam);
            assert_close::<2>(fused.0, p, tolerance);
            assert_close::<2>(fused.1, m, tolerance);
            assert_close::<2>(fused.2, v, tolerance);
        }
    }
}

#[test]
fn sgd_in_one_pass_equals_that_of_composed_operations() {
    let rng = &mut ChaCha8Rng::seed_from_u64(6);
    for shape in LARGE_SHAPES {
        for (dtype, tolerance) in dtypes() {
            for (momentum, nesterov, is_first) in [
                (None, false, true),
                (Some(0.9), false, false),
                (Some(0.9), false, true),
                (Some(0.9), true, false),
            ] {
                let sgd = SgdUpdate {
                    momentum,
                    dampening: 0.1,
                    nesterov,
                    is_first,
                    learning_rate: 0.1,
                    weight_decay: 0.01,
                };
                let tensors = tensors(rng, shape, dtype);
                for synaptic in SYNAPTIC {
                    let [p, g, u, path_integral, importance, anchor] =
                        tensors.each_ref().map(primitive);
                    let fused = Dispatch::synaptic_sgd(
                        p,
                        g,
                        u,
                        path_integral,
                        importance,
                        anchor,
                        sgd,
                        synaptic,
                    );
                    let [p, g, u, path_integral, importance, anchor] =
                        tensors.each_ref().map(primitive);
                    let synapse = [path_integral, importance, anchor];
                    let update = |p, g| composed::sgd::<Dispatch>(p, g, u, sgd);
                    let ([p, u], path_integral, penalty) =
                        composed::synaptic::<Dispatch, _>(p, g, synapse, synaptic, update);
                    assert_close::<2>(fused.0, p, tolerance);
                    assert_close::<2>(fused.1, u, tolerance);
                    assert_close::<2>(fused.2, path_integral, tolerance);
                    assert_close::<1>(fused.3, penalty, tolerance_of_sum(tolerance, shape));
                }
            }
        }
    }
}

/// Sizes on both sides of the one from which work is divided among threads.
const LARGE_SHAPES: [[usize; 2]; 4] = [[0, 3], [70, 61], [601, 501], [600, 500]];

#[test]
fn operands_that_are_views_are_read_in_the_views_order() {
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    let [integral, gradient, before, after] = std::array::from_fn(|_| {
        random(rng, [4, 6], DType::F32)
            .transpose()
            .slice([1..4, 0..3])
    });
    let operands = || [&integral, &gradient, &before, &after].map(primitive);
    let [a, b, c, d] = operands();
    let fused = Dispatch::advance_path_integral(a, b, c, d);
    let [a, b, c, d] = operands();
    let composed = composed::advance_path_integral::<Dispatch>(a, b, c, d);
    assert_close::<2>(fused, composed, 1e-6);
}

#[test]
fn dispatch_uses_the_fused_operations_of_the_tensors_backend() {
    let flex = |tensor: &Tensor<2>| Flex::primitive(tensor.clone());
    let tensors: [Tensor<2>; 4] = std::array::from_fn(|index| {
        let numbers = (0..70 * 61).map(|at| (at as f32 + index as f32).sin());
        let data = TensorData::new(numbers.collect::<Vec<f32>>(), [70, 61]);
        Tensor::from_data(data, &Device::flex())
    });
    let [a, b, c, d] = tensors.each_ref().map(flex);
    let (_, fused) = Flex::penalize(a, b, c, d, SCALE, f64::INFINITY);
    let [a, b, c, d] = tensors.each_ref().map(flex);
    let (_, composed) = composed::penalize::<Flex>(a, b, c, d, SCALE, f64::INFINITY);
    let [a, b, c, d] = tensors.map(Dispatch::primitive);
    let (_, dispatched) = Dispatch::penalize(a, b, c, d, SCALE, f64::INFINITY);
    let dispatched = Dispatch::tensor::<1>(dispatched).into_data();
    assert_eq!(dispatched, Flex::tensor::<1>(fused).into_data());
    // The two sum in different orders, so rounding tells them apart.
    assert_ne!(dispatched, Flex::tensor::<1>(composed).into_data());
}

#[test]
#[should_panic(expected = "must have the same shape")]
fn a_gradient_of_another_shape_is_refused() {
    let of_shape = |shape| Flex::primitive(Tensor::<2>::zeros(shape, &Device::flex()));
    let [a, b, c] = std::array::from_fn(|_| of_shape([3, 5]));
    Flex::advance_path_integral(a, of_shape([3, 4]), b, c);
}
