//! The fused operations of the tested device agree with the composed ones.

use burn::backend::{Dispatch, Flex, tensor::FloatTensor};
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::{
    AdamTensors, AdamUpdate, Advanced, BiasCorrection, PathStep, Penalty, SgdTensors, SgdUpdate,
    SynapseTensors, SynapticBackend, SynapticOps, SynapticUpdate, composed, total,
};
use crate::precision::working;
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
            let step = || PathStep {
                gradient: primitive(&gradient),
                before: primitive(&before),
                after: primitive(&after),
            };
            let fused = Dispatch::advance_path_integral(primitive(&integral), step());
            let composed =
                composed::advance_path_integral::<Dispatch>(primitive(&integral), step());
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
                    let [importance, anchor] =
                        std::array::from_fn(|_| random(rng, shape, held_dtype));
                    let penalty = || Penalty {
                        parameter: primitive(&parameter),
                        importance: primitive(&importance),
                        anchor: primitive(&anchor),
                        scale: SCALE,
                        bound,
                    };
                    let fused = Dispatch::penalize(primitive(&gradient), penalty());
                    let composed = composed::penalize::<Dispatch>(primitive(&gradient), penalty());
                    assert_close::<2>(fused.gradient, composed.gradient, tolerance);
                    let tolerance = tolerance_of_sum(tolerance, shape);
                    assert_close::<1>(fused.penalty, composed.penalty, tolerance);
                }
            }
        }
    }
}

/// A parameter, and what belongs to it.
struct Case {
    parameter: Tensor<2>,
    gradient: Tensor<2>,
    moment_1: Tensor<2>,
    moment_2: Tensor<2>,
    path_integral: Tensor<2>,
    importance: Tensor<2>,
    anchor: Tensor<2>,
    penalty_sum: Tensor<1>,
}

impl Case {
    /// If the device supports bf16, a coin toss decides whether importance and anchor are in bf16.
    fn random(rng: &mut ChaCha8Rng, shape: [usize; 2], dtype: DType) -> Self {
        let has_bf16 = device().supports_dtype(DType::BF16);
        let held = if has_bf16 && rng.random_bool(0.5) {
            DType::BF16
        } else {
            dtype
        };
        Self {
            parameter: random(rng, shape, dtype),
            gradient: random(rng, shape, dtype),
            moment_1: random(rng, shape, dtype),
            moment_2: random(rng, shape, dtype).abs(),
            path_integral: random(rng, shape, dtype),
            importance: random(rng, shape, held),
            anchor: random(rng, shape, held),
            penalty_sum: {
                let num_parts = rng.random_range(1..4);
                random(rng, [1, num_parts], working(dtype)).reshape([num_parts])
            },
        }
    }

    fn gradient(&self) -> FloatTensor<Dispatch> {
        primitive(&self.gradient)
    }

    fn adam(&self) -> AdamTensors<Dispatch> {
        AdamTensors {
            parameter: primitive(&self.parameter),
            moment_1: primitive(&self.moment_1),
            moment_2: primitive(&self.moment_2),
        }
    }

    fn sgd(&self) -> SgdTensors<Dispatch> {
        SgdTensors {
            parameter: primitive(&self.parameter),
            velocity: primitive(&self.moment_1),
        }
    }

    fn synapse(&self) -> SynapseTensors<Dispatch> {
        SynapseTensors {
            path_integral: primitive(&self.path_integral),
            importance: primitive(&self.importance),
            anchor: primitive(&self.anchor),
            penalty_sum: Dispatch::primitive(self.penalty_sum.clone()),
        }
    }
}

fn assert_adam_close(
    actual: AdamTensors<Dispatch>,
    expected: AdamTensors<Dispatch>,
    tolerance: f64,
) {
    assert_close::<2>(actual.parameter, expected.parameter, tolerance);
    assert_close::<2>(actual.moment_1, expected.moment_1, tolerance);
    assert_close::<2>(actual.moment_2, expected.moment_2, tolerance);
}

fn assert_sgd_close(actual: SgdTensors<Dispatch>, expected: SgdTensors<Dispatch>, tolerance: f64) {
    assert_close::<2>(actual.parameter, expected.parameter, tolerance);
    assert_close::<2>(actual.velocity, expected.velocity, tolerance);
}

fn assert_advanced_close(
    actual: Advanced<Dispatch>,
    expected: Advanced<Dispatch>,
    tolerance: f64,
    shape: [usize; 2],
) {
    assert_close::<2>(actual.path_integral, expected.path_integral, tolerance);
    let tolerance = tolerance_of_sum(tolerance, shape);
    let [actual, expected] = [actual.penalty_sum, expected.penalty_sum].map(total::<Dispatch>);
    assert_close::<1>(actual, expected, tolerance);
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

const ADAM: AdamUpdate = AdamUpdate {
    beta_1: 0.9,
    beta_2: 0.999,
    correction: BiasCorrection::Joint(0.8),
    epsilon: 1e-8,
    learning_rate: 0.1,
    weight_decay: 0.01,
    decoupled_decay: 0.0,
};
const ADAMW: AdamUpdate = AdamUpdate {
    correction: BiasCorrection::Separate {
        moment_1: 0.4,
        moment_2: 0.3,
    },
    weight_decay: 0.0,
    decoupled_decay: 0.2,
    ..ADAM
};

#[test]
fn adam_in_one_pass_equals_that_of_composed_operations() {
    assert_adam_equals_composed(ADAM);
}

#[test]
fn adamw_in_one_pass_equals_that_of_composed_operations() {
    assert_adam_equals_composed(ADAMW);
}

#[track_caller]
fn assert_adam_equals_composed(adam: AdamUpdate) {
    let rng = &mut ChaCha8Rng::seed_from_u64(5);
    for shape in LARGE_SHAPES {
        for (dtype, tolerance) in dtypes() {
            let case = Case::random(rng, shape, dtype);
            for synaptic in SYNAPTIC {
                let (fused, fused_advanced) = Dispatch::synaptic_adam(
                    case.adam(),
                    case.gradient(),
                    case.synapse(),
                    adam,
                    synaptic,
                );
                let (composed, advanced) = composed::synaptic::<Dispatch, _>(
                    case.adam(),
                    case.gradient(),
                    case.synapse(),
                    synaptic,
                    |tensors, gradient| composed::adam::<Dispatch>(tensors, gradient, adam),
                );
                assert_adam_close(fused, composed, tolerance);
                assert_advanced_close(fused_advanced, advanced, tolerance, shape);
            }
            let fused = Dispatch::adam(case.adam(), case.gradient(), adam);
            let composed = composed::adam::<Dispatch>(case.adam(), case.gradient(), adam);
            assert_adam_close(fused, composed, tolerance);
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
                let case = Case::random(rng, shape, dtype);
                for synaptic in SYNAPTIC {
                    let (fused, fused_advanced) = Dispatch::synaptic_sgd(
                        case.sgd(),
                        case.gradient(),
                        case.synapse(),
                        sgd,
                        synaptic,
                    );
                    let (composed, advanced) = composed::synaptic::<Dispatch, _>(
                        case.sgd(),
                        case.gradient(),
                        case.synapse(),
                        synaptic,
                        |tensors, gradient| composed::sgd::<Dispatch>(tensors, gradient, sgd),
                    );
                    assert_sgd_close(fused, composed, tolerance);
                    assert_advanced_close(fused_advanced, advanced, tolerance, shape);
                }
                let fused = Dispatch::sgd(case.sgd(), case.gradient(), sgd);
                let composed = composed::sgd::<Dispatch>(case.sgd(), case.gradient(), sgd);
                assert_sgd_close(fused, composed, tolerance);
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
    let step = || PathStep {
        gradient: primitive(&gradient),
        before: primitive(&before),
        after: primitive(&after),
    };
    let fused = Dispatch::advance_path_integral(primitive(&integral), step());
    let composed = composed::advance_path_integral::<Dispatch>(primitive(&integral), step());
    assert_close::<2>(fused, composed, 1e-6);
}

#[test]
fn dispatch_uses_the_fused_operations_of_the_tensors_backend() {
    fn penalty<B: SynapticBackend>([parameter, importance, anchor]: [&Tensor<2>; 3]) -> Penalty<B> {
        Penalty {
            parameter: B::primitive(parameter.clone()),
            importance: B::primitive(importance.clone()),
            anchor: B::primitive(anchor.clone()),
            scale: SCALE,
            bound: f64::INFINITY,
        }
    }
    let tensors: [Tensor<2>; 4] = std::array::from_fn(|index| {
        let numbers = (0..70 * 61).map(|at| (at as f32 + index as f32).sin());
        let data = TensorData::new(numbers.collect::<Vec<f32>>(), [70, 61]);
        Tensor::from_data(data, &Device::flex())
    });
    let [gradient, rest @ ..] = tensors.each_ref();
    let flex = || Flex::primitive(gradient.clone());
    let fused = Flex::penalize(flex(), penalty::<Flex>(rest)).penalty;
    let composed = composed::penalize::<Flex>(flex(), penalty::<Flex>(rest)).penalty;
    let dispatched = Dispatch::penalize(primitive(gradient), penalty::<Dispatch>(rest)).penalty;
    let dispatched = Dispatch::tensor::<1>(dispatched).into_data();
    assert_eq!(dispatched, Flex::tensor::<1>(fused).into_data());
    // The two sum in different orders, so rounding tells them apart.
    assert_ne!(dispatched, Flex::tensor::<1>(composed).into_data());
}

#[test]
#[should_panic(expected = "must have the same shape")]
fn a_gradient_of_another_shape_is_refused() {
    let of_shape = |shape| Flex::primitive(Tensor::<2>::zeros(shape, &Device::flex()));
    let step = PathStep {
        gradient: of_shape([3, 4]),
        before: of_shape([3, 5]),
        after: of_shape([3, 5]),
    };
    Flex::advance_path_integral(of_shape([3, 5]), step);
}
