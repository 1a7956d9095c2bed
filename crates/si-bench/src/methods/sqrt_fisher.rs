use si_core::QuadraticPenaltyConfig;
use si_core::importance::Power;

use super::information::{self, Outputs, information};
use super::method::{Method, Parameter, Range};
use super::{Anchor, Measure, Parts};

/// The root of Fisher information.
pub(crate) static SQRT_FISHER: Method = Method {
    key: "sqrt-fisher",
    title: "root of the Fisher information",
    label: "sqrt-fisher",
    source: "Benzing 2022",
    summary: "importance is the square root of the Fisher information at a task's end",
    parameters: &[
        Parameter {
            key: "lambda",
            symbol: "λ",
            summary: "strength of the penalty λ Σ Ω (θ − θ̃)²",
            range: Range::Positive,
            default: None,
            is_strength: true,
            search: |_| &[0.01, 0.1, 1.0, 10.0, 100.0],
        },
        information::KIND,
    ],
    parts: |values| {
        let information = information(values, Outputs::Plain, Power::Square);
        Parts {
            anchor: Some(Anchor {
                penalty: QuadraticPenaltyConfig::new(values["lambda"]),
                measure: Measure::at_end(move |network, examples| {
                    Ok(information(network, examples)?.sqrt())
                }),
            }),
            ..Parts::default()
        }
    },
};
