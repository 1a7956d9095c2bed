use si_core::QuadraticPenaltyConfig;
use si_core::importance::Power;

use super::information::{self, Outputs, information};
use super::method::{Method, Parameter, Range};
use super::{Anchor, Measure, Parts};

/// The magnitude in place of the square of Fisher information.
pub(crate) static ABSOLUTE_FISHER: Method = Method {
    key: "af",
    title: "absolute Fisher information",
    label: "af",
    source: "Benzing 2022",
    summary: "importance is the mean magnitude of the likelihood's gradient at a task's end",
    parameters: &[
        Parameter {
            key: "lambda",
            symbol: "λ",
            summary: "strength of the penalty λ Σ Ω (θ − θ̃)²",
            range: Range::Positive,
            default: None,
            is_strength: true,
            search: |_| &[1.0, 10.0, 100.0, 1e3, 1e4],
        },
        information::KIND,
    ],
    parts: |values| Parts {
        anchor: Some(Anchor {
            penalty: QuadraticPenaltyConfig::new(values["lambda"]),
            measure: Measure::at_end(information(values, Outputs::Plain, Power::Magnitude)),
        }),
        ..Parts::default()
    },
};
