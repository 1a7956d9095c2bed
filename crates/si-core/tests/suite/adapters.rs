//! What the two factors of a LoRA adapter are worth. Its second factor B is zero at the start, so the loss does not depend
//! on its first factor A there: the gradient of A is zero until B has moved.

use burn::module::{Lora, LoraAdapter, Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::SgdConfig;
use burn::tensor::{Device, Tensor};
use si_core::importance::fisher_of_regression;
use si_core::{ContinualLearner, Importance, SynapticIntelligenceConfig};

use crate::common::values;

const LEARNING_RATE: f64 = 0.05;

const INPUTS: [[f32; 3]; 3] = [[0.2, 0.4, 1.0], [0.3, 0.9, -1.0], [-0.7, 0.1, 0.5]];

type Factor = Param<Tensor<2>>;

fn device() -> Device {
    Device::flex().autodiff()
}

fn adapted() -> Linear {
    let layer = LinearConfig::new(3, 2).init(&device());
    layer.apply_lora(Lora::new(2, 2.0))
}

fn factors(layer: &Linear) -> [Factor; 2] {
    let LoraAdapter { a, b, .. } = layer.weight.adapter().expect("it has one");
    [a.clone(), b.clone()]
}

fn learner() -> ContinualLearner<Linear> {
    let config = SynapticIntelligenceConfig::new();
    ContinualLearner::new(adapted(), &config).expect("the config is valid")
}

fn train(mut learner: ContinualLearner<Linear>, num_steps: usize) -> ContinualLearner<Linear> {
    let mut optimizer = SgdConfig::new().init();
    for _ in 0..num_steps {
        (learner, _) = learner.step(&mut optimizer, LEARNING_RATE, |layer| {
            let outputs = layer.forward(Tensor::<2>::from_floats(INPUTS, &device()));
            (outputs - 1.5).square().mean()
        });
    }
    learner
}

fn fisher(layer: &Linear) -> Importance {
    let prediction = |layer: &Linear, inputs: &[f32; 3]| {
        layer.forward(Tensor::<1>::from_floats(*inputs, &device()))
    };
    fisher_of_regression(layer, INPUTS, prediction, 0.5).expect("it predicts finite numbers")
}

fn sum(tensor: Tensor<2>) -> f64 {
    values(tensor).into_iter().sum()
}

/// The Fisher information of each factor.
fn information(layer: &Linear) -> [f64; 2] {
    let fisher = fisher(layer);
    factors(layer).map(|factor| fisher.get(factor.id).map_or(0.0, sum))
}

/// The path integral of each factor.
fn path_integrals(learner: &ContinualLearner<Linear>) -> [f64; 2] {
    factors(learner).map(|factor| {
        let synapse = learner.regularizer().synapse(factor.id);
        let path_integral = synapse.expect("it was trained").path_integral();
        path_integral.map_or(0.0, sum)
    })
}

#[test]
fn fisher_information_at_the_start_sees_nothing_of_the_first_factor() {
    let [a, b] = information(&adapted());
    assert_eq!(a, 0.0);
    assert!(b > 0.0, "{b}");
}

#[test]
fn fisher_information_at_the_end_sees_both_factors() {
    let [a, b] = information(&train(learner(), 20));
    assert!(a > 0.0 && b > 0.0, "{a}, {b}");
}

#[test]
fn the_path_integral_of_the_first_factor_begins_with_the_second_step() {
    let learner = train(learner(), 1);
    let [a, b] = path_integrals(&learner);
    assert_eq!(a, 0.0);
    assert!(b > 0.0, "{b}");

    let learner = train(learner, 1);
    let [a, _] = path_integrals(&learner);
    assert!(a > 0.0, "{a}");
}

#[test]
fn a_task_makes_both_factors_important() {
    let mut learner = train(learner(), 20);
    assert_eq!(learner.end_task(), None);
    for factor in factors(&learner) {
        let synapse = learner.regularizer().synapse(factor.id);
        let importance = synapse.expect("it was trained").importance();
        let importance = sum(importance.expect("a task has ended"));
        assert!(importance > 0.0, "{importance}");
    }
}
