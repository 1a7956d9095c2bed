use burn::tensor::Tensor;
use si_core::importance::constant;
use si_core::{Importance, QuadraticPenaltyConfig};

use super::method::{Method, Parameter, Range};
use super::{Anchor, Examples, Measure, Parts};
use crate::experiment::{Experiment, Scenario};
use crate::model::Network;

/// An L2 anchor: what any measure of importance is compared with.
pub(crate) static L2: Method = Method {
    key: "l2",
    title: "L2 anchor",
    label: "l2",
    source: "",
    summary: "every parameter is equally important: shows what a measure of importance adds",
    parameters: &[Parameter {
        key: "lambda",
        symbol: "λ",
        summary: "strength of the penalty λ Σ (θ − θ̃)² (0.5 in split-mnist if the network is not given the task)",
        range: Range::Positive,
        // Those of Hsu et al. 2018. That of the scenario domain serves the scenario class too.
        default: Some(|config| match (config.experiment, config.scenario) {
            (Experiment::SplitMnist, Scenario::Task) => 0.01,
            (Experiment::SplitMnist, Scenario::Domain | Scenario::Class) => 0.5,
            (Experiment::PermutedMnist, _) => 0.02,
            (Experiment::SplitCifar, _) => 1.0,
        }),
        is_strength: true,
        search: |_| &[0.001, 0.01, 0.1, 1.0, 10.0],
    }],
    parts: |values| Parts {
        anchor: Some(Anchor {
            penalty: QuadraticPenaltyConfig::l2(values["lambda"]),
            measure: Measure::at_end(|network, examples| Ok(importance(network, &examples))),
        }),
        ..Parts::default()
    },
};

/// 1 for every parameter but the readout of the outputs of later tasks, which must stay free.
fn importance(network: &Network, examples: &Examples<'_>) -> Importance {
    let mut importance = constant(network);
    let readout = network.readout();
    if let Some(ones) = importance.get::<2>(readout.weight.id) {
        importance.add(readout.weight.id, without(ones, 1, examples));
    }
    if let Some(bias) = &readout.bias
        && let Some(ones) = importance.get::<1>(bias.id)
    {
        importance.add(bias.id, without(ones, 0, examples));
    }
    importance
}

/// −1 at the outputs of later tasks, and 0 at those of the tasks up to now. Outputs are the dimension `dim` of `ones`.
fn without<const D: usize>(ones: Tensor<D>, dim: usize, examples: &Examples<'_>) -> Tensor<D> {
    let mut held = ones.dims().map(|len| 0..len);
    held[dim] = examples.outputs_so_far.clone();
    let zeros = ones.clone().slice(held.clone()).zeros_like();
    ones.neg().slice_assign(held, zeros)
}
