use si_core::QuadraticPenaltyConfig;
use si_core::importance::RunningMeasure;

use super::method::{Method, Parameter, Range};
use super::{Anchor, Measure, Parts};
use crate::experiment::Experiment;

/// Second-Order Synapses.
pub(crate) static SOS: Method = Method {
    key: "sos",
    title: "Second-Order Synapses",
    label: "sos",
    source: "Benzing 2022",
    summary: "importance is the root of a running mean of squared gradients, taken in every step",
    parameters: &[
        Parameter {
            key: "lambda",
            symbol: "λ",
            summary: "strength of the penalty λ Σ Ω (θ − θ̃)²",
            range: Range::Positive,
            default: None,
            is_strength: true,
            search: |experiment| match experiment {
                Experiment::SplitMnist | Experiment::PermutedMnist => {
                    &[0.01, 0.1, 1.0, 10.0, 100.0]
                }
                Experiment::SplitCifar => &[1.0, 10.0, 100.0, 1e3, 1e4],
            },
        },
        Parameter {
            key: "decay",
            symbol: "β₂",
            summary: "share of the running mean that is kept in each step",
            range: Range::Fraction,
            default: Some(|_| 0.999),
            is_strength: false,
            search: |_| &[],
        },
    ],
    parts: |values| Parts {
        anchor: Some(Anchor {
            penalty: QuadraticPenaltyConfig::new(values["lambda"]),
            measure: Measure::InSteps(RunningMeasure::SecondMoment {
                decay: values["decay"],
            }),
        }),
        ..Parts::default()
    },
};
