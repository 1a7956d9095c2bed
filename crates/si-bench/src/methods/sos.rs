use si_core::QuadraticPenaltyConfig;
use si_core::importance::RunningMeasure;

use super::method::{Method, Parameter, Range, chosen};
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
        SQUARED,
    ],
    parts: |values| {
        let decay = values["decay"];
        let measures = [
            RunningMeasure::SecondMoment { decay },
            RunningMeasure::NoiseMoment { decay },
        ];
        Parts {
            anchor: Some(Anchor {
                penalty: QuadraticPenaltyConfig::new(values["lambda"]),
                measure: Measure::InSteps(chosen(values, &SQUARED, measures)),
            }),
            ..Parts::default()
        }
    },
};

/// The author's α is 0 for the gradient, and 1 for the noise.
const SQUARED: Parameter = Parameter {
    key: "of",
    symbol: "of",
    summary: "what is squared: the gradient, or its noise, which is its distance from that of a second minibatch",
    range: Range::OneOf(&["gradient", "noise"]),
    default: Some(|_| 0.0),
    is_strength: false,
    search: |_| &[],
};
