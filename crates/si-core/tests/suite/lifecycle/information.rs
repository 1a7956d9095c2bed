//! What the Fisher information refuses to measure, and what else it can be measured from.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Tensor, activation};
use si_core::importance::{self, FisherLabels};
use si_core::{Error, Importance};

use crate::common::{tolerance, values};
use crate::lifecycle::network::{device, layer};

fn model() -> Linear {
    layer(2, 3, &device())
}

fn logits(model: &Linear, example: &[f32; 2]) -> Tensor<1> {
    model.forward(Tensor::<1>::from_floats(*example, &device()))
}

fn log_likelihood(model: &Linear, example: &[f32; 2]) -> Tensor<1> {
    activation::log_softmax(logits(model, example), 0)
}

fn refused(fisher: Result<Importance, Error>) -> String {
    fisher.expect_err("it must be refused").to_string()
}

#[test]
fn error_for_logits_names_the_example_and_says_what_to_do() {
    let logits = |model: &Linear, example: &[f32; 2]| {
        logits(model, example).mul_scalar(0.0) + Tensor::from_floats([0.0, 0.0, 1.0], &device())
    };
    let error = refused(importance::fisher(
        &model(),
        [[0.0, 1.0]],
        logits,
        FisherLabels::Exact,
    ));
    let begins =
        "the importance cannot be measured: example 0 has probabilities that add up to 4.71828";
    assert!(error.starts_with(begins), "{error}");
    let (_, rest) = error.rsplit_once(": ").expect("it says what to do");
    assert_eq!(
        rest,
        "the function must return `log p(y | x)` for every label, as `activation::log_softmax(logits, 0)` does, \
         not logits or a loss. For a regression, use `importance::fisher_of_regression`"
    );
}

#[test]
fn likelihood_of_frozen_parameters_only_is_refused() {
    let model = model().freeze();
    let error = refused(importance::fisher(
        &model,
        [[0.0, 1.0]],
        log_likelihood,
        FisherLabels::Exact,
    ));
    assert!(error.contains("example 0 has a result that depends on no parameter that is trained"));
}

#[test]
fn examples_without_a_label_of_the_data_set_are_refused() {
    for labels in [vec![2], vec![2, 3]] {
        let labels = &mut labels.into_iter();
        let labels = FisherLabels::Empirical(labels);
        let examples = [[0.0, 1.0], [1.0, 1.0]];
        let error = refused(importance::fisher(
            &model(),
            examples,
            log_likelihood,
            labels,
        ));
        assert!(
            error.ends_with("example 1 has no label among those of the likelihood"),
            "{error}"
        );
    }
}

#[test]
fn empirical_information_is_the_square_of_the_losses_gradient() {
    let model = model();
    let examples = [[0.5, 1.0], [-1.0, 2.0]];
    let observed = [2, 0];
    let labels = &mut observed.into_iter();
    let fisher = importance::fisher(
        &model,
        examples,
        log_likelihood,
        FisherLabels::Empirical(labels),
    );
    let fisher = fisher.expect("it gives probabilities");
    let measured = values(fisher.get::<2>(model.weight.id).expect("it is trained"));
    let mut expected = vec![0.0; 6];
    for (example, label) in examples.iter().zip(observed) {
        let p = values(log_likelihood(&model, example).exp());
        for input in 0..2 {
            for (output, p) in p.iter().enumerate() {
                let slope = (f64::from(output == label) - p) * f64::from(example[input]);
                expected[3 * input + output] += slope * slope / 2.0;
            }
        }
    }
    for (measured, expected) in measured.iter().zip(expected) {
        assert!(
            (measured - expected).abs() < tolerance(1e-6),
            "{measured} is not {expected}"
        );
    }
}

#[test]
fn information_of_a_regression_is_the_sum_of_squared_inputs_over_the_variance() {
    let model = model();
    let examples = [[0.5, 1.0], [-1.0, 2.0]];
    let fisher = importance::fisher_of_regression(&model.valid(), examples, logits, 0.25);
    let fisher = fisher.expect("its predictions are finite");
    let weight = values(fisher.get::<2>(model.weight.id).expect("it is trained"));
    let [first, second] = [4.0 * (0.25 + 1.0) / 2.0, 4.0 * (1.0 + 4.0) / 2.0];
    assert_eq!(weight, [first, first, first, second, second, second]);
}

#[test]
fn regression_without_variance_or_with_predictions_that_are_not_finite_is_refused() {
    let error = refused(importance::fisher_of_regression(
        &model(),
        [[0.0, 1.0]],
        logits,
        0.0,
    ));
    assert!(
        error.ends_with("the variance must be a finite number > 0, got 0"),
        "{error}"
    );
    let error = refused(importance::fisher_of_regression(
        &model(),
        [[f32::NAN, 1.0]],
        logits,
        1.0,
    ));
    assert!(
        error.ends_with("example 0 has a prediction of NaN"),
        "{error}"
    );
}
