use si_core::QuadraticPenaltyConfig;
use si_core::importance::Power;
use si_core::quadratic::Normalization;

use super::ewc::STRENGTH;
use super::information::{self, Outputs, information};
use super::method::{Method, Parameter, Range, chosen};
use super::{Anchor, Measure, Parts};

/// Elastic Weight Consolidation, with one penalty for all tasks.
pub(crate) static ONLINE_EWC: Method = Method {
    key: "online-ewc",
    title: "online Elastic Weight Consolidation",
    label: "online-ewc",
    source: "Schwarz et al. 2018",
    summary: "as ewc, with one penalty around the parameters after the latest finished task",
    parameters: &[
        STRENGTH,
        Parameter {
            key: "decay",
            symbol: "γ",
            summary: "share of the old information that is kept at a task's end",
            range: Range::Share,
            default: Some(|_| 1.0),
            is_strength: false,
            search: |_| &[],
        },
        NORMALIZATION,
        information::KIND,
    ],
    parts: |values| Parts {
        anchor: Some(Anchor {
            penalty: QuadraticPenaltyConfig::online_ewc(values["lambda"], values["decay"])
                .with_normalization(chosen(values, &NORMALIZATION, NORMALIZATIONS)),
            measure: Measure::at_end(information(values, Outputs::Plain, Power::Square)),
        }),
        ..Parts::default()
    },
};

/// The size of the information that each task has.
const NORMALIZATION: Parameter = Parameter {
    key: "normalization",
    symbol: "norm",
    summary: "what the information of each task is divided by",
    range: Range::OneOf(&["off", "mean", "largest"]),
    default: Some(|_| 0.0),
    is_strength: false,
    search: |_| &[],
};

const NORMALIZATIONS: [Normalization; 3] = [
    Normalization::Off,
    Normalization::Mean,
    Normalization::Largest,
];
