use burn::module::{Module, Param};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::{DType, Device, Tensor};
use si_core::{Importance, ParameterPolicy, QuadraticPenaltyConfig, TaskWarning, importance};

use super::device;
use crate::common::values;

/// `z = x W`.
fn linear(weight: [[f64; 2]; 2], device: &Device) -> Linear {
    let weight = Tensor::<2>::from_floats(weight, device);
    Linear {
        weight: Param::from_tensor(weight),
        bias: None,
    }
}

fn example(x: &[f64; 2]) -> Tensor<1> {
    Tensor::from_floats(*x, &device())
}

fn measured(model: &Linear, examples: &[[f64; 2]]) -> Importance {
    let outputs = |model: &Linear, x: &&[f64; 2]| model.forward(example(x));
    importance::sensitivity(model, examples, outputs).expect("it can be measured")
}

fn of_weight(importance: &Importance, model: &Linear) -> Vec<f64> {
    values(importance.get::<2>(model.weight.id).expect("it is trained"))
}

fn assert_close(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    let is_close = |(actual, expected): (&f64, &f64)| (actual - expected).abs() < 1e-6;
    let is_close = actual.iter().zip(expected).all(is_close);
    assert!(is_close, "{actual:?} is not {expected:?}");
}

#[test]
fn sensitivity_of_a_linear_layer_has_a_closed_form() {
    let model = linear([[1.0, -2.0], [0.5, 3.0]], &device());
    let examples = [[1.0, 2.0], [-3.0, 0.25]];
    // ∂ ‖x W‖² / ∂W_ij = 2 x_i z_j.
    let of = |x: [f64; 2]| {
        let z = [x[0] + 0.5 * x[1], -2.0 * x[0] + 3.0 * x[1]];
        [x[0] * z[0], x[0] * z[1], x[1] * z[0], x[1] * z[1]].map(|it| 2.0 * it.abs())
    };
    let [first, second] = examples.map(of);
    let mean: Vec<f64> = first
        .iter()
        .zip(second)
        .map(|(a, b)| (a + b) / 2.0)
        .collect();
    assert_close(&of_weight(&measured(&model, &examples), &model), &mean);
}

#[test]
fn gradients_of_different_signs_do_not_cancel() {
    // Only the sign of the product of the inputs differs, so the mean gradient of the second weight is zero.
    let model = linear([[1.0, 0.0], [0.0, 0.0]], &device());
    let examples = [[1.0, 1.0], [1.0, -1.0]];
    let importance = of_weight(&measured(&model, &examples), &model);
    assert_close(&importance, &[2.0, 0.0, 2.0, 0.0]);
}

#[test]
fn mode_makes_no_difference_and_frozen_parameters_have_no_importance() {
    let model = linear([[1.0, -2.0], [0.5, 3.0]], &device());
    let expected = of_weight(&measured(&model, &[[1.0, 2.0]]), &model);
    let tested = model.valid();
    assert_eq!(
        of_weight(&measured(&tested, &[[1.0, 2.0]]), &tested),
        expected
    );

    let error = importance::sensitivity(&model.no_grad(), [[1.0, 2.0]], |model, x| {
        model.forward(example(x))
    });
    let error = error.expect_err("nothing is trained").to_string();
    assert!(
        error.starts_with(
            "the importance cannot be measured: example 0 has a result that depends on no parameter that is trained"
        ),
        "{error}"
    );
}

#[test]
fn importance_of_two_shares_merges_to_that_of_all() {
    let model = linear([[1.0, -2.0], [0.5, 3.0]], &device());
    let (first, second) = ([1.0, 2.0], [-3.0, 0.25]);
    let shares = measured(&model, &[first]).merge(measured(&model, &[second]));
    let all = of_weight(&measured(&model, &[first, second]), &model);
    assert_close(&of_weight(&shares.scale(0.5), &model), &all);
    let one = measured(&model, &[first]).merge(Importance::default());
    assert_eq!(one.len(), 1);
    let mut wide = Importance::default();
    let id = model.weight.id;
    wide.add(
        id,
        Tensor::<2>::ones([2, 2], (&device().inner(), DType::F64)),
    );
    let total = one.merge(wide).get::<2>(id).expect("it is trained");
    assert_eq!(total.dtype(), DType::F64);
}

#[test]
fn outputs_that_are_not_finite_are_refused() {
    let model = linear([[f64::NAN, 0.0], [0.0, 0.0]], &device());
    let error = importance::sensitivity(&model, [[1.0, 2.0]], |model, x| model.forward(example(x)));
    assert_eq!(
        error.expect_err("it is NaN").to_string(),
        "the importance cannot be measured: example 0 has a value of NaN: the model has diverged, or its outputs are \
         too large"
    );
}

/// A layer before a norm that keeps running statistics.
#[derive(Module, Debug)]
struct Normalised {
    layer: Linear,
    norm: BatchNorm,
}

#[test]
fn running_statistics_are_used_and_stay() {
    let device = Device::flex().autodiff();
    let model = Normalised {
        layer: LinearConfig::new(2, 3).init(&device),
        norm: BatchNormConfig::new(3).init(&device),
    };
    let statistics = |model: &Normalised| values(model.norm.running_var.value());
    let before = statistics(&model);
    let importance = importance::sensitivity(&model, [[1.0_f32, 2.0]], |model, x| {
        let x = Tensor::<2>::from_floats([*x], &device);
        model
            .norm
            .forward(model.layer.forward(x))
            .squeeze_dim::<1>(0)
    });
    let importance = importance.expect("it can be measured");
    assert_eq!(statistics(&model), before);
    let of_layer = importance
        .get::<2>(model.layer.weight.id)
        .expect("it is trained");
    assert!(values(of_layer).iter().any(|it| *it > 0.0));
}

#[test]
fn importance_of_two_tasks_adds_up_around_the_latest_parameters() {
    let mut model = linear([[1.0, -2.0], [0.5, 3.0]], &device());
    let mut mas = QuadraticPenaltyConfig::mas(0.5)
        .init()
        .expect("it is valid");
    let first = measured(&model, &[[1.0, 2.0]]);
    assert_eq!(mas.consolidate(&model, &first), None);
    model.weight = model
        .weight
        .map(|it| Tensor::from_inner(it.inner() + 1.0).require_grad());
    let second = measured(&model, &[[-1.0, 0.5]]);
    assert_eq!(mas.consolidate(&model, &second), None);

    let total: Vec<f64> = of_weight(&first, &model)
        .iter()
        .zip(of_weight(&second, &model))
        .map(|(first, second)| first + second)
        .collect();
    assert_eq!(values(mas.penalty(&model)), [0.0]);
    model.weight = model
        .weight
        .map(|it| Tensor::from_inner(it.inner() - 0.1).require_grad());
    // λ Σ Ω Δ².
    let expected = 0.5 * 0.01 * total.iter().sum::<f64>();
    assert_close(&values(mas.penalty(&model)), &[expected]);
}

#[test]
fn importance_that_is_negative_or_not_finite_is_left_out() {
    for value in [-1.0, f32::NAN, f32::INFINITY] {
        let model = linear([[1.0, -2.0], [0.5, 3.0]], &device());
        let mut penalty = QuadraticPenaltyConfig::mas(1.0)
            .init()
            .expect("it is valid");
        let mut importance = importance::constant(&model);
        let id = model.weight.id;
        importance.add(id, Tensor::<2>::full([2, 2], 2.0 * value, &device()));
        let warning = penalty.consolidate(&model, &importance);
        assert_eq!(warning, Some(TaskWarning::Diverged));
        assert_eq!((penalty.task(), penalty.pulls().len()), (1, 0));
    }
}

#[test]
fn parameter_that_a_policy_excludes_is_free_whatever_its_record_holds() {
    let model = linear([[1.0, -2.0], [0.5, 3.0]], &device());
    let config = QuadraticPenaltyConfig::mas(1.0);
    let mut penalty = config.init().expect("it is valid");
    penalty.consolidate(&model, &importance::constant(&model));
    let record = penalty.record(&model);
    let excluded = config.with_policies(vec![ParameterPolicy::path("*").exclude()]);
    let penalty = excluded.init().expect("it is valid");
    let penalty = penalty.load_record(&model, record).expect("it fits");
    let moved = Linear {
        weight: (model.weight.clone())
            .map(|it| Tensor::from_inner(it.inner() + 1.0).require_grad()),
        bias: None,
    };
    assert_eq!(values(penalty.penalty(&moved)), [0.0]);
}

#[test]
fn constant_importance_makes_the_penalty_the_squared_distance_after_any_number_of_tasks() {
    for is_in_validation in [false, true] {
        let mut model = linear([[1.0, -2.0], [0.5, 3.0]], &device());
        let mut l2 = QuadraticPenaltyConfig::l2(3.0).init().expect("it is valid");
        let ones = if is_in_validation {
            importance::constant(&model.valid())
        } else {
            importance::constant(&model)
        };
        assert_eq!(of_weight(&ones, &model), [1.0; 4]);
        assert_eq!(l2.consolidate(&model, &ones), None);
        assert_eq!(l2.consolidate(&model, &ones), None);
        for _task in 0..3 {
            assert_eq!(values(l2.penalty(&model)), [0.0]);
            model.weight = model
                .weight
                .map(|it| Tensor::from_inner(it.inner() - 0.1).require_grad());
            assert_close(&values(l2.penalty(&model)), &[3.0 * 4.0 * 0.01]);
            assert_eq!(l2.consolidate(&model, &ones), None);
            assert_eq!(values(l2.pulls()[0].precision::<2>()), [1.0; 4]);
        }
    }
}
