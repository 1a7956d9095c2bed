use si_core::QuadraticPenaltyConfig;
use si_core::importance::Power;

use super::ewc::STRENGTH;
use super::information::{self, Outputs, information};
use super::method::{Method, Parameter, Range};
use super::normalization::{NORMALIZATION, normalization};
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
                .with_normalization(normalization(values)),
            measure: Measure::at_end(information(values, Outputs::Plain, Power::Square)),
        }),
        ..Parts::default()
    },
};
