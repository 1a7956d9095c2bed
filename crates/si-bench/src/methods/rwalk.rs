use si_core::QuadraticPenaltyConfig;
use si_core::importance::RunningMeasure;
use si_core::quadratic::Joining;

use super::method::{Method, Parameter, Range};
use super::{Anchor, Measure, Parts};
use crate::experiment::Experiment;

/// Riemannian Walk.
pub(crate) static RWALK: Method = Method {
    key: "rwalk",
    title: "Riemannian Walk",
    label: "rwalk",
    source: "Chaudhry et al. 2018",
    summary: "importance is a running Fisher information plus how much each parameter lowered the loss",
    parameters: &[
        Parameter {
            key: "lambda",
            symbol: "λ",
            summary: "strength of the penalty λ Σ Ω (θ − θ̃)², with Ω at most 2",
            range: Range::Positive,
            default: Some(|_| 1.0),
            is_strength: true,
            search: |_| &[0.01, 0.1, 1.0, 10.0, 100.0],
        },
        Parameter {
            key: "interval",
            symbol: "Δt",
            summary: "steps between two updates of the importance",
            range: Range::Count,
            default: Some(|config| match config.experiment {
                Experiment::SplitMnist | Experiment::PermutedMnist => 10.0,
                Experiment::SplitCifar => 50.0,
            }),
            is_strength: false,
            search: |_| &[],
        },
        Parameter {
            key: "share",
            symbol: "share",
            summary: "share of the latest steps in the running Fisher information",
            range: Range::Share,
            default: Some(|_| 0.9),
            is_strength: false,
            search: |_| &[],
        },
        Parameter {
            key: "epsilon",
            symbol: "ε",
            summary: "what is added to the distance that the gain is divided by",
            range: Range::Positive,
            default: Some(|_| 1e-3),
            is_strength: false,
            search: |_| &[],
        },
    ],
    parts: |values| Parts {
        anchor: Some(Anchor {
            penalty: QuadraticPenaltyConfig::new(values["lambda"]).with_joining(Joining::Replace),
            measure: Measure::InSteps(RunningMeasure::RiemannianWalk {
                decay: 1.0 - values["share"],
                interval: values["interval"] as usize,
                damping: values["epsilon"],
            }),
        }),
        ..Parts::default()
    },
};
