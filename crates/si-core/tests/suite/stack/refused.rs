//! Stacks that are not possible, and what the user is told.

use burn::module::Param;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, SgdConfig};
use burn::prelude::*;
use si_core::replicas::StackedLinear;
use si_core::{ContinualLearner, ParameterPolicy, SynapticIntelligenceConfig};

use super::network::device;
use crate::common::values;
use crate::common::warnings::warnings;

fn layer(outputs: usize, has_bias: bool) -> Linear {
    LinearConfig::new(3, outputs)
        .with_bias(has_bias)
        .init(&device())
}

#[test]
fn layers_that_differ_are_refused() {
    let refused = |layers: &[Linear]| {
        StackedLinear::new(layers)
            .expect_err("they differ")
            .to_string()
    };
    assert_eq!(refused(&[]), "a stack needs at least one replica, got none");
    assert_eq!(
        refused(&[layer(2, true), layer(2, true), layer(4, true)]),
        "the parameters of a stack must have one shape: that of replica 0 is [3, 2], that of replica 2 is [3, 4]"
    );
    assert_eq!(
        refused(&[layer(2, true), layer(2, false)]),
        "either all layers of a stack have a bias or none has: here 1 of 2 have one"
    );
}

#[test]
fn replica_that_is_not_in_the_stack_is_refused() {
    let stack = StackedLinear::new(&[layer(2, true), layer(2, true)]).expect("the shapes agree");
    assert_eq!(stack.num_replicas(), 2);
    let error = stack.replica(2).expect_err("there are two");
    assert_eq!(
        error.to_string(),
        "there is no replica 2: the stack has 2, counted from 0"
    );
}

#[test]
fn strengths_that_do_not_fit_the_module_are_refused() {
    let config = SynapticIntelligenceConfig::new().with_replica_strengths(vec![1.0, 2.0]);
    let error = ContinualLearner::new(layer(2, true), &config).expect_err("3 inputs");
    assert_eq!(
        error.to_string(),
        "replica_strengths has 2 factors, so the first axis of every parameter must be a multiple of 2; that of \
         weight, [3, 2], is not: stack that many replicas, or leave the parameter out by a policy"
    );
    let only_biases = ParameterPolicy::path("weight").exclude();
    let config = config.with_policies(vec![only_biases]);
    assert!(ContinualLearner::new(layer(2, true), &config).is_ok());
}

/// One number, whose loss is its square.
#[derive(Module, Debug)]
struct Point {
    theta: Param<Tensor<1>>,
}

/// A loop that calls the regularizer itself has no learner that would refuse.
#[test]
fn strengths_that_do_not_fit_a_parameter_do_not_count_for_it_and_are_warned_of_once_per_task() {
    let trained = |config: SynapticIntelligenceConfig| {
        let theta = Param::from_tensor(Tensor::from_floats([0.5], &device()));
        let mut point = Point { theta };
        let mut regularizer = config.init().expect("the config is valid");
        let mut optimizer = SgdConfig::new().init();
        for task in 0..3 {
            for _ in 0..4 {
                let loss = (point.theta.val() - task as f32).square();
                let grads = GradientsParams::from_grads(loss.backward(), &point);
                let grads = regularizer.penalize(&point, grads);
                point = optimizer.step(0.1, point, grads);
                regularizer.observe(&point);
            }
            regularizer.consolidate(&point);
        }
        values(point.theta.val())
    };
    let config = SynapticIntelligenceConfig::new().with_damping(0.1);
    let expected = trained(config.clone());
    warnings();
    let found = trained(config.with_replica_strengths(vec![0.0, 5.0]));
    assert_eq!(found, expected);
    let warnings = warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert_eq!(
        warnings[0],
        "replica_strengths has 2 factors, so the first axis of every parameter must be a multiple of 2; that of \
         theta, [1], is not: no factor counts for it"
    );
}
