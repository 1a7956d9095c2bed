use std::cell::Cell;

use burn::module::Param;
use burn::nn::{Linear, LinearConfig};
use burn::prelude::*;
use burn::tensor::activation::{log_sigmoid, log_softmax};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_core::Importance;
use si_core::importance::{self, FisherLabels};

use super::device;
use crate::common::values;

/// Rounding of float32, for a few sums of numbers of size 1.
const ROUNDING: f64 = 1e-6;
const WEIGHTS: [f64; 2] = [0.8, -1.5];
const BIAS: f64 = 0.3;
const EXAMPLES: [[f64; 2]; 3] = [[1.0, 0.5], [-2.0, 0.1], [0.0, -1.2]];

fn logistic_regression() -> Linear {
    let weight = [[WEIGHTS[0]], [WEIGHTS[1]]];
    Linear {
        weight: Param::from_tensor(Tensor::from_floats(weight, &device())),
        bias: Some(Param::from_tensor(Tensor::from_floats([BIAS], &device()))),
    }
}

/// `[log p(0 | x), log p(1 | x)]`.
fn log_likelihood(model: &Linear, example: &[f64; 2]) -> Tensor<1> {
    let logit = model.forward(Tensor::<1>::from_floats(*example, &device()));
    Tensor::cat(vec![log_sigmoid(-logit.clone()), log_sigmoid(logit)], 0)
}

/// The information of logistic regression: the mean of p (1 − p) x² for the weights, and the same with x = 1 for
/// the bias.
fn closed_form() -> [f64; 3] {
    let mut sum = [0.0; 3];
    for [x0, x1] in EXAMPLES {
        let logit = WEIGHTS[0] * x0 + WEIGHTS[1] * x1 + BIAS;
        let p = 1.0 / (1.0 + (-logit).exp());
        for (sum, x) in sum.iter_mut().zip([x0, x1, 1.0]) {
            *sum += p * (1.0 - p) * x * x;
        }
    }
    sum.map(|sum| sum / EXAMPLES.len() as f64)
}

fn information(fisher: &Importance, model: &Linear) -> Vec<f64> {
    let weight = fisher.get::<2>(model.weight.id).expect("it has a gradient");
    let bias = model.bias.as_ref().expect("the layer has a bias");
    let bias = fisher.get::<1>(bias.id).expect("it has a gradient");
    [values(weight), values(bias)].concat()
}

fn assert_close(actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len());
    for (actual, expected) in actual.iter().zip(expected) {
        assert!(
            (actual - expected).abs() <= tolerance,
            "{actual} is not {expected}"
        );
    }
}

#[test]
fn exact_information_of_logistic_regression_is_its_closed_form() {
    let model = logistic_regression();
    let fisher = importance::fisher(&model, EXAMPLES, log_likelihood, FisherLabels::Exact)
        .expect("it can be measured");
    assert_close(&information(&fisher, &model), &closed_form(), ROUNDING);
}

#[test]
fn sampled_information_converges_to_the_exact_one() {
    let model = logistic_regression();
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let error = |repeats: usize, rng: &mut ChaCha8Rng| {
        let examples = (0..repeats).flat_map(|_| EXAMPLES);
        let labels = &mut || rng.random();
        let fisher = importance::fisher(
            &model,
            examples,
            log_likelihood,
            FisherLabels::Sampled(labels),
        )
        .expect("it can be measured");
        let sampled = information(&fisher, &model).into_iter();
        let errors = sampled
            .zip(closed_form())
            .map(|(it, exact)| (it - exact).abs());
        errors.fold(0.0, f64::max)
    };
    // The standard deviation of a draw of (y − p)² x² is below 1 here, so that of the mean of n draws is below
    // 1/√n.
    for repeats in [30, 3_000] {
        let num_draws = (repeats * EXAMPLES.len()) as f64;
        assert!(error(repeats, rng) < 3.0 / num_draws.sqrt());
    }
}

#[test]
fn indifferent_classifier_has_the_information_of_a_uniform_choice() {
    let classes = 4;
    let model = Linear {
        weight: Param::from_tensor(Tensor::zeros([2, classes], &device())),
        bias: None,
    };
    let log_likelihood = |model: &Linear, example: &[f64; 2]| {
        log_softmax(
            model.forward(Tensor::<1>::from_floats(*example, &device())),
            0,
        )
    };
    let fisher = importance::fisher(&model, EXAMPLES, log_likelihood, FisherLabels::Exact)
        .expect("it can be measured");
    let information = values(fisher.get::<2>(model.weight.id).expect("it has a gradient"));
    let p = 1.0 / classes as f64;
    for (input, row) in information.chunks(classes).enumerate() {
        let squares = EXAMPLES.iter().map(|it| it[input] * it[input]).sum::<f64>();
        let expected = p * (1.0 - p) * squares / EXAMPLES.len() as f64;
        assert_close(row, &vec![expected; classes], ROUNDING);
    }
}

#[test]
fn label_without_probability_is_skipped() {
    let model = logistic_regression();
    let num_calls = Cell::new(0);
    let log_likelihood = |model: &Linear, example: &[f64; 2]| {
        num_calls.set(num_calls.get() + 1);
        let impossible = Tensor::<1>::from_floats([-1e32], &device());
        Tensor::cat(vec![log_likelihood(model, example), impossible], 0)
    };
    let fisher = importance::fisher(&model, EXAMPLES, log_likelihood, FisherLabels::Exact)
        .expect("it can be measured");
    assert_close(&information(&fisher, &model), &closed_form(), ROUNDING);
    assert_eq!(num_calls.get(), 2 * EXAMPLES.len());
}

#[test]
fn model_that_has_diverged_is_refused() {
    let weight = Tensor::from_floats([[f32::NAN], [1.0]], &device());
    let model = Linear {
        weight: Param::from_tensor(weight),
        ..logistic_regression()
    };
    let error = importance::fisher(&model, EXAMPLES, log_likelihood, FisherLabels::Exact);
    let error = error.expect_err("NaN is no probability").to_string();
    assert!(
        error.contains("example 0 has probabilities that add up to NaN"),
        "{error}"
    );
}

#[test]
fn only_parameters_with_gradients_have_information() {
    #[derive(Module, Debug)]
    struct Partly {
        used: Linear,
        unused: Linear,
        frozen: Linear,
    }
    let layer = || LinearConfig::new(2, 2).init(&device());
    let model = Partly {
        used: layer(),
        unused: layer(),
        frozen: layer().no_grad(),
    };
    let log_likelihood = |model: &Partly, example: &[f64; 2]| {
        let inputs = Tensor::<1>::from_floats(*example, &device());
        log_softmax(model.used.forward(model.frozen.forward(inputs)), 0)
    };
    let fisher = importance::fisher(&model, EXAMPLES, log_likelihood, FisherLabels::Exact)
        .expect("it can be measured");
    assert_eq!(fisher.len(), 2);
    assert!(fisher.get::<2>(model.used.weight.id).is_some());
    assert!(fisher.get::<2>(model.frozen.weight.id).is_none());
}

#[test]
fn no_example_gives_no_information() {
    let model = logistic_regression();
    let fisher = importance::fisher(&model, [], log_likelihood, FisherLabels::Exact)
        .expect("it can be measured");
    assert!(fisher.is_empty());
}

#[test]
#[should_panic(expected = "this parameter has rank 2, but `D` is 1")]
fn information_asked_for_in_another_rank_panics() {
    let model = logistic_regression();
    let fisher = importance::fisher(&model, EXAMPLES, log_likelihood, FisherLabels::Exact)
        .expect("it can be measured");
    fisher.get::<1>(model.weight.id);
}
