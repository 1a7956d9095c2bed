//! The effect of consolidation on training.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::prelude::*;
use burn::tensor::activation::log_softmax;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use si_core::importance::{self, FisherLabels};
use si_core::quadratic::Joining;
use si_core::{Importance, ParameterPolicy, QuadraticPenalty};

use super::{Vector, config, device, ewc, tensor};
use crate::common::values;

/// A task with the loss `½ Σ h (θ − target)²`: regression on Gaussian data with whitened inputs. Its Fisher
/// information is h.
struct Gaussian {
    h: [f64; 2],
    target: [f64; 2],
}

const GAUSSIANS: [Gaussian; 3] = [
    Gaussian {
        h: [1.0, 0.2],
        target: [1.0, -1.0],
    },
    Gaussian {
        h: [0.5, 1.0],
        target: [-2.0, 0.5],
    },
    Gaussian {
        h: [0.3, 0.7],
        target: [0.4, 3.0],
    },
];

/// Learns the tasks one after another until each has converged, and returns the parameters after the last.
fn learn(form: Joining) -> Vec<f64> {
    let mut ewc = ewc(&config(1.0).with_joining(form));
    let mut module = Vector::new(&[0.0, 0.0]);
    for task in &GAUSSIANS {
        for _ in 0..400 {
            let displacement = module.theta.val() - tensor(&task.target);
            let loss = (tensor(&task.h) * displacement.square()).sum() * 0.5;
            let grads = GradientsParams::from_grads(loss.backward(), &module);
            let grads = ewc.penalize(&module, grads);
            module = SgdConfig::new().init().step(0.3, module, grads);
        }
        ewc.consolidate(&module, &module.fisher(&task.h));
    }
    values(module.theta.val())
}

/// The minimum of `Σ weight · h (θ − target)²`, for each parameter.
fn joint_optimum(weights: [f64; 3]) -> [f64; 2] {
    [0, 1].map(|index| {
        let terms = || GAUSSIANS.iter().zip(weights);
        let pulls = terms().map(|(task, weight)| weight * task.h[index] * task.target[index]);
        pulls.sum::<f64>()
            / terms()
                .map(|(task, weight)| weight * task.h[index])
                .sum::<f64>()
    })
}

fn assert_close(actual: &[f64], expected: &[f64]) {
    for (actual, expected) in actual.iter().zip(expected) {
        // After 400 steps, (1 − 0.3 · 0.2)^400 of the distance is left in the flattest direction.
        assert!(
            (actual - expected).abs() < 1e-9,
            "{actual} is not {expected}"
        );
    }
}

/// If the Laplace approximation is exact, learning the tasks in turn gives the same result as learning them at
/// once.
#[test]
fn online_form_without_decay_is_joint_training_on_linear_gaussian_tasks() {
    let learnt = learn(Joining::Latest { decay: 1.0 });
    assert_close(&learnt, &joint_optimum([1.0; 3]));
}

/// Huszár (2018): the second task's anchor already includes the first task, so its penalty counts the first task
/// again.
#[test]
fn per_task_penalties_count_the_first_task_twice_in_the_third() {
    let [first, second, third] = &GAUSSIANS;
    let expected = [0, 1].map(|index| {
        let [h1, h2, h3] = [first, second, third].map(|task| task.h[index]);
        let [t1, t2, t3] = [first, second, third].map(|task| task.target[index]);
        let after_second = (h1 * t1 + h2 * t2) / (h1 + h2);
        (h1 * t1 + h2 * after_second + h3 * t3) / (h1 + h2 + h3)
    });
    assert_close(&learn(Joining::PerTask), &expected);
    let joint = joint_optimum([1.0; 3]);
    assert!(
        (expected[0] - joint[0]).abs() > 0.1,
        "the forms differ here"
    );
}

/// Examples of two classes. The input `deciding` distinguishes them, and `misleading`, if there is one, does so
/// the other way round.
fn examples(rng: &mut ChaCha8Rng, deciding: usize, misleading: Option<usize>) -> Vec<Example> {
    (0..64)
        .map(|index| {
            let label = index % 2;
            let sign = if label == 0 { -1.0 } else { 1.0 };
            let mut inputs: [f32; 3] = [0.0, 0.0, 0.3 * rng.random_range(-1.0..1.0)];
            inputs[deciding] = sign * rng.random_range(0.5..1.0);
            if let Some(misleading) = misleading {
                inputs[misleading] = -sign * rng.random_range(0.5..1.0);
            }
            Example { inputs, label }
        })
        .collect()
}

#[derive(Clone)]
struct Example {
    inputs: [f32; 3],
    label: i32,
}

fn log_likelihood(model: &Linear, example: &Example) -> Tensor<1> {
    log_softmax(
        model.forward(Tensor::<1>::from_floats(example.inputs, &device())),
        0,
    )
}

fn accuracy(model: &Linear, examples: &[Example]) -> f64 {
    let right = |example: &&Example| {
        let predicted = log_likelihood(model, example)
            .argmax(0)
            .into_scalar::<i32>();
        predicted == example.label
    };
    examples.iter().filter(right).count() as f64 / examples.len() as f64
}

fn train(mut model: Linear, ewc: &QuadraticPenalty, examples: &[Example]) -> Linear {
    let rows: Vec<f32> = examples.iter().flat_map(|it| it.inputs).collect();
    let inputs = TensorData::new(rows, [examples.len(), 3]);
    let inputs = Tensor::<2>::from_data(inputs, &device());
    let labels: Vec<i32> = examples.iter().map(|it| it.label).collect();
    let labels = Tensor::<1, Int>::from_data(labels.as_slice(), &device()).unsqueeze_dim::<2>(1);
    let mut optimizer = SgdConfig::new().init();
    for _ in 0..300 {
        let log_likelihood = log_softmax(model.forward(inputs.clone()), 1);
        let loss = log_likelihood.gather(1, labels.clone()).mean().neg();
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        let grads = ewc.penalize(&model, grads);
        model = optimizer.step(0.5, model, grads);
    }
    model
}

#[test]
fn first_task_survives_a_second_one_that_contradicts_it() {
    let rng = &mut ChaCha8Rng::seed_from_u64(7);
    let first = examples(rng, 0, None);
    let second = examples(rng, 1, Some(0));
    let after_both = |strength: f64| {
        let mut ewc = ewc(&config(strength));
        let weight = Param::from_tensor(Tensor::zeros([3, 2], &device()));
        let model = train(Linear { weight, bias: None }, &ewc, &first);
        assert_eq!(accuracy(&model, &first), 1.0);
        let fisher = importance::fisher(
            &model,
            &first,
            |m, it| log_likelihood(m, it),
            FisherLabels::Exact,
        )
        .expect("it can be measured");
        ewc.consolidate(&model, &fisher);
        let model = train(model, &ewc, &second);
        assert_eq!(accuracy(&model, &second), 1.0);
        accuracy(&model, &first)
    };
    assert!(
        after_both(0.0) < 0.5,
        "the second task contradicts the first"
    );
    assert_eq!(after_both(100.0), 1.0);
}

/// Two layers. The second may go unused.
#[derive(Module, Debug)]
struct Heads {
    body: Linear,
    head: Linear,
}

impl Heads {
    fn new() -> Self {
        let layer = || LinearConfig::new(3, 3).init(&device());
        Self {
            body: layer(),
            head: layer(),
        }
    }

    /// Information 1 about every weight, whether it has a gradient or not.
    fn certainty(&self) -> Importance {
        let mut fisher = Importance::default();
        for layer in [&self.body, &self.head] {
            fisher.add(layer.weight.id, layer.weight.val().ones_like());
        }
        fisher
    }

    /// Takes steps on the body's outputs only, far enough that the penalty pulls.
    fn train_body(mut self, ewc: &QuadraticPenalty) -> Self {
        for _ in 0..3 {
            let inputs = Tensor::<2>::ones([1, 3], &device());
            let loss = (self.body.forward(inputs) - 5.0).square().mean();
            let grads = GradientsParams::from_grads(loss.backward(), &self);
            let grads = ewc.penalize(&self, grads);
            self = SgdConfig::new().init().step(0.1, self, grads);
        }
        self
    }
}

#[test]
fn parameter_without_a_gradient_is_not_moved() {
    let mut ewc = ewc(&config(1.0));
    let model = Heads::new();
    ewc.consolidate(&model, &model.certainty());
    let mut model = model.train_body(&ewc);
    // Moves the head away from its anchor, so that the penalty would pull.
    model.head.weight = model.head.weight.map(|weight| weight + 1.0);
    let before = values(model.head.weight.val());
    assert!(ewc.penalty(&model).into_scalar::<f64>() > 1.0);
    let model = model.train_body(&ewc);
    assert_eq!(values(model.head.weight.val()), before);
}

#[test]
fn frozen_parameter_is_never_touched() {
    let mut ewc = ewc(&config(1.0));
    let mut model = Heads::new();
    model.head = model.head.no_grad();
    let before = values(model.head.weight.val());
    for _ in 0..2 {
        model = model.train_body(&ewc);
        ewc.consolidate(&model, &model.certainty());
    }
    assert_eq!(values(model.head.weight.val()), before);
    assert!(ewc.pull(model.head.weight.id).is_none());
    assert!(ewc.pull(model.body.weight.id).is_some());
}

#[test]
fn only_selected_parameters_are_consolidated() {
    let model = Heads::new();
    let no_head = vec![ParameterPolicy::path("head.*").exclude()];
    let no_linear = vec![ParameterPolicy::module("Linear").exclude()];
    for (config, held) in [
        (config(1.0), vec!["body.weight", "head.weight"]),
        (config(1.0).with_policies(no_head), vec!["body.weight"]),
        (config(1.0).with_policies(no_linear), vec![]),
    ] {
        let mut ewc = ewc(&config);
        ewc.consolidate(&model, &model.certainty());
        let paths: Vec<&str> = ewc.pulls().iter().map(|pull| pull.path()).collect();
        assert_eq!(paths, held);
    }
}
