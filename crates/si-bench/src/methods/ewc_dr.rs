use si_core::QuadraticPenaltyConfig;
use si_core::importance::Power;

use super::information::{self, Outputs, information};
use super::method::{Method, Parameter, Range};
use super::{Anchor, Examples, Measure, Parts};

/// Elastic Weight Consolidation Done Right.
pub(crate) static EWC_DR: Method = Method {
    key: "ewc-dr",
    title: "Elastic Weight Consolidation Done Right",
    label: "ewc-dr",
    source: "Liu and Chang 2026",
    summary: "as ewc, with outputs of the opposite sign; compare it with l2, because the limit makes it similar",
    parameters: &[
        Parameter {
            key: "lambda",
            symbol: "λ",
            summary: "strength of the penalty λ/2 Σ Ω (θ − θ̃)², with the mean Ω of the tasks",
            range: Range::Positive,
            default: Some(|_| 1e4),
            is_strength: true,
            search: |_| &[100.0, 1e3, 1e4, 1e5, 1e6],
        },
        Parameter {
            key: "limit",
            symbol: "limit",
            summary: "largest importance of a parameter",
            range: Range::Positive,
            default: Some(|_| 1e-4),
            is_strength: false,
            search: |_| &[],
        },
        information::KIND_BATCHED,
    ],
    parts: |values| {
        let information = information(values, Outputs::Reversed, Power::Square);
        let limit = values["limit"];
        Parts {
            anchor: Some(Anchor {
                penalty: QuadraticPenaltyConfig::ewc_done_right(values["lambda"]),
                measure: Measure::at_end(move |network, examples| {
                    // Training lowers the logits of later tasks on every image: with the opposite sign, they would
                    // have nearly all the probability.
                    let end = examples.outputs.end.min(examples.outputs_so_far.end);
                    let examples = Examples {
                        outputs: examples.outputs.start..end,
                        ..examples
                    };
                    Ok(information(network, examples)?.at_most(limit))
                }),
            }),
            ..Parts::default()
        }
    },
};
