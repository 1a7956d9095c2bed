//! Importance from quantities of the outputs, against closed forms of a linear model `z = x W + b`.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;
use si_core::Importance;
use si_core::importance::{self, FisherLabels, Power, Quantity};

use super::device;
use crate::common::values;

/// Rounding of float32, for a few sums of numbers of size 10.
const ROUNDING: f64 = 1e-5;
const WEIGHT: [[f64; 3]; 2] = [[0.8, -1.5, 0.2], [-0.4, 0.9, 1.1]];
const BIAS: [f64; 3] = [0.3, 0.0, -0.7];
const EXAMPLES: [[f64; 2]; 3] = [[1.0, 0.5], [-2.0, 0.1], [0.4, -1.2]];
const LABELS: [usize; 3] = [1, 0, 2];

fn linear() -> Linear {
    Linear {
        weight: Param::from_tensor(Tensor::from_floats(WEIGHT, &device())),
        bias: Some(Param::from_tensor(Tensor::from_floats(BIAS, &device()))),
    }
}

fn outputs(model: &Linear, example: &[f64; 2]) -> Tensor<1> {
    model.forward(Tensor::<1>::from_floats(*example, &device()))
}

fn z([x0, x1]: [f64; 2]) -> [f64; 3] {
    [0, 1, 2].map(|output| WEIGHT[0][output] * x0 + WEIGHT[1][output] * x1 + BIAS[output])
}

fn softmax(z: [f64; 3]) -> [f64; 3] {
    let total: f64 = z.iter().map(|it| it.exp()).sum();
    z.map(|it| it.exp() / total)
}

/// `e_y − p`.
fn error(label: usize, p: [f64; 3]) -> [f64; 3] {
    let mut error = p.map(|p| -p);
    error[label] += 1.0;
    error
}

/// The mean over the examples of `Σ weight · power(x δᵀ)`, for the weights and then for the bias: the gradient of a
/// linear layer is the product of its inputs and of the gradients δ at its outputs.
fn closed_form(
    power: fn(f64) -> f64,
    gradients: impl Fn(usize) -> Vec<(f64, [f64; 3])>,
) -> Vec<f64> {
    let mut mean = vec![0.0; 9];
    for (index, [x0, x1]) in EXAMPLES.into_iter().enumerate() {
        for (weight, delta) in gradients(index) {
            let products = [x0, x1, 1.0].into_iter();
            let products = products.flat_map(|input| delta.map(|delta| input * delta));
            for (mean, product) in mean.iter_mut().zip(products) {
                *mean += weight * power(product) / EXAMPLES.len() as f64;
            }
        }
    }
    mean
}

fn square(it: f64) -> f64 {
    it * it
}

fn measured(quantity: Quantity<'_>, power: Power) -> Vec<f64> {
    let model = linear();
    let importance = importance::from_outputs(&model, EXAMPLES, outputs, quantity, power);
    of(&importance.expect("it can be measured"), &model)
}

fn of(importance: &Importance, model: &Linear) -> Vec<f64> {
    let weight = importance.get::<2>(model.weight.id).expect("it is trained");
    let bias = model.bias.as_ref().expect("the layer has a bias");
    let bias = importance.get::<1>(bias.id).expect("it is trained");
    [values(weight), values(bias)].concat()
}

#[track_caller]
fn assert_close(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    for (actual, expected) in actual.iter().zip(expected) {
        let is_close = (actual - expected).abs() <= ROUNDING * expected.abs().max(1.0);
        assert!(is_close, "{actual} is not {expected}");
    }
}

#[test]
fn exact_information_of_a_softmax_layer_is_its_closed_form() {
    // E_y (e_y − p)² = p (1 − p).
    let expected = closed_form(square, |index| {
        let variance = softmax(z(EXAMPLES[index])).map(|p| (p * (1.0 - p)).sqrt());
        vec![(1.0, variance)]
    });
    let quantity = Quantity::LogLikelihood(FisherLabels::Exact);
    assert_close(&measured(quantity, Power::Square), &expected);
}

#[test]
fn quantities_measure_what_the_named_functions_measure() {
    let model = linear();
    let log_likelihood =
        |model: &Linear, example: &[f64; 2]| log_softmax(outputs(model, example), 0);
    let fisher = importance::fisher(&model, EXAMPLES, log_likelihood, FisherLabels::Exact);
    let quantity = Quantity::LogLikelihood(FisherLabels::Exact);
    assert_close(
        &measured(quantity, Power::Square),
        &of(&fisher.expect("it can be measured"), &model),
    );
    let sensitivity = importance::sensitivity(&model, EXAMPLES, outputs);
    assert_close(
        &measured(Quantity::SquaredOutputs, Power::Magnitude),
        &of(&sensitivity.expect("it can be measured"), &model),
    );
}

#[test]
fn absolute_information_is_the_mean_magnitude_over_the_labels() {
    let expected = closed_form(f64::abs, |index| {
        let p = softmax(z(EXAMPLES[index]));
        [0, 1, 2].map(|label| (p[label], error(label, p))).to_vec()
    });
    let quantity = Quantity::LogLikelihood(FisherLabels::Exact);
    assert_close(&measured(quantity, Power::Magnitude), &expected);
}

#[test]
fn empirical_information_takes_the_labels_of_the_data() {
    let expected = closed_form(square, |index| {
        vec![(1.0, error(LABELS[index], softmax(z(EXAMPLES[index]))))]
    });
    let labels = &mut LABELS.into_iter();
    let quantity = Quantity::LogLikelihood(FisherLabels::Empirical(labels));
    assert_close(&measured(quantity, Power::Square), &expected);
}

#[test]
fn reversed_information_is_that_of_the_outputs_with_the_opposite_sign() {
    let expected = closed_form(square, |index| {
        let reversed = softmax(z(EXAMPLES[index]).map(|z| -z));
        vec![(1.0, error(LABELS[index], reversed))]
    });
    let labels = &mut LABELS.into_iter();
    let quantity = Quantity::ReversedLogLikelihood(FisherLabels::Empirical(labels));
    assert_close(&measured(quantity, Power::Square), &expected);
}

#[test]
fn sensitivity_of_probabilities_has_a_closed_form() {
    let expected = closed_form(f64::abs, |index| {
        let p = softmax(z(EXAMPLES[index]));
        let norm: f64 = p.iter().map(|p| p * p).sum();
        vec![(1.0, p.map(|p| 2.0 * p * (p - norm)))]
    });
    let found = measured(Quantity::SquaredProbabilities, Power::Magnitude);
    assert_close(&found, &expected);
}

#[test]
fn the_square_of_a_minibatchs_gradient_is_not_the_information() {
    // One minibatch of all examples: the square of the mean gradient.
    let mut mean = [0.0; 9];
    for (index, [x0, x1]) in EXAMPLES.into_iter().enumerate() {
        let delta = error(LABELS[index], softmax(z(EXAMPLES[index])));
        let products = [x0, x1, 1.0].into_iter();
        let products = products.flat_map(|input| delta.map(|delta| input * delta));
        for (mean, product) in mean.iter_mut().zip(products) {
            *mean += product / EXAMPLES.len() as f64;
        }
    }
    let model = linear();
    let loss = |model: &Linear, batch: &[[f64; 2]; 3]| {
        let examples = batch.iter().zip(LABELS);
        let likelihoods = examples
            .map(|(example, label)| log_softmax(outputs(model, example), 0).narrow(0, label, 1));
        Tensor::cat(likelihoods.collect(), 0).mean().neg()
    };
    let batched = importance::from_gradients(&model, [EXAMPLES], loss, Power::Square);
    let batched = of(&batched.expect("it can be measured"), &model);
    assert_close(&batched, &mean.map(square));
    let labels = &mut LABELS.into_iter();
    let quantity = Quantity::LogLikelihood(FisherLabels::Empirical(labels));
    let empirical = measured(quantity, Power::Square);
    // By Jensen's inequality.
    assert!(batched.iter().zip(&empirical).all(|(it, each)| it < each));
}

#[test]
fn roots_and_limits_are_taken_element_by_element() {
    let model = linear();
    let quantity = Quantity::SquaredOutputs;
    let importance = importance::from_outputs(&model, EXAMPLES, outputs, quantity, Power::Square);
    let importance = importance.expect("it can be measured");
    let plain = of(&importance, &model);
    let roots: Vec<f64> = plain.iter().map(|it| it.sqrt()).collect();
    assert_close(&of(&importance.clone().sqrt(), &model), &roots);
    let limit = plain.iter().sum::<f64>() / plain.len() as f64;
    let limited: Vec<f64> = plain.iter().map(|it| it.min(limit)).collect();
    assert_close(&of(&importance.at_most(limit), &model), &limited);
    assert!(plain.iter().any(|it| *it > limit));
}

#[test]
fn outputs_that_cannot_be_used_are_refused() {
    let model = linear();
    let refused = |outputs: &dyn Fn(&Linear, &[f64; 2]) -> Tensor<1>, quantity: Quantity<'_>| {
        let outputs = |model: &Linear, example: &[f64; 2]| outputs(model, example);
        let result = importance::from_outputs(&model, EXAMPLES, outputs, quantity, Power::Square);
        result.expect_err("it cannot be measured").to_string()
    };
    let masked = |model: &Linear, example: &[f64; 2]| outputs(model, example) + f64::NEG_INFINITY;
    assert_eq!(
        refused(&masked, Quantity::SquaredOutputs),
        "the importance cannot be measured: example 0 has an output of -inf: the model has diverged, or its outputs \
         are masked instead of selected"
    );
    let labels = &mut [2, 7].into_iter();
    assert_eq!(
        refused(
            &outputs,
            Quantity::LogLikelihood(FisherLabels::Empirical(labels))
        ),
        "the importance cannot be measured: example 1 has no outputs, or no label among them"
    );
    let constant = |_: &Linear, _: &[f64; 2]| Tensor::<1>::ones([3], &device());
    let error = refused(&constant, Quantity::SquaredOutputs);
    assert!(
        error.contains("depends on no parameter that is trained"),
        "{error}"
    );
}

#[test]
fn frozen_parameters_have_no_importance() {
    let mut model = linear();
    model.bias = model.bias.map(Module::no_grad);
    let quantity = Quantity::LogLikelihood(FisherLabels::Exact);
    let importance =
        importance::from_outputs(&model, EXAMPLES, outputs, quantity, Power::Magnitude);
    assert_eq!(importance.expect("it can be measured").len(), 1);
}
