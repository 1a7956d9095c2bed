use si_core::QuadraticPenaltyConfig;
use si_core::importance::Power;

use super::information::{self, Outputs, information};
use super::method::{Method, Parameter, Range};
use super::{Anchor, Measure, Parts};
use crate::experiment::Experiment;

/// Elastic Weight Consolidation, with one penalty for each task.
pub(crate) static EWC: Method = Method {
    key: "ewc",
    title: "Elastic Weight Consolidation",
    label: "ewc",
    source: "Kirkpatrick et al. 2017",
    summary: "importance is the Fisher information at a task's end; one penalty per task",
    parameters: &[STRENGTH, information::KIND],
    parts: |values| Parts {
        anchor: Some(Anchor {
            penalty: QuadraticPenaltyConfig::ewc(values["lambda"]),
            measure: Measure::at_end(information(values, Outputs::Plain, Power::Square)),
        }),
        ..Parts::default()
    },
};

/// Strength λ of the penalty. Fisher information differs by orders of magnitude between tasks, so there is no default.
pub(super) const STRENGTH: Parameter = Parameter {
    key: "lambda",
    symbol: "λ",
    summary: "strength of the penalty λ/2 Σ Ω (θ − θ̃)²",
    range: Range::Positive,
    default: None,
    is_strength: true,
    search: |experiment| match experiment {
        Experiment::SplitMnist | Experiment::SplitCifar => &[10.0, 100.0, 1e3, 1e4, 1e5],
        Experiment::PermutedMnist => &[1.0, 10.0, 100.0, 1e3, 1e4],
    },
};
