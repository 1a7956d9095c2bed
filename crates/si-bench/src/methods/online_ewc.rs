use si_core::QuadraticPenaltyConfig;

use super::ewc::{FISHER_INFORMATION, STRENGTH};
use super::method::{Method, Parameter, Range};
use super::{Anchor, Parts};

/// Elastic Weight Consolidation, with one penalty for all tasks.
pub(crate) static ONLINE_EWC: Method = Method {
    key: "online-ewc",
    title: "online Elastic Weight Consolidation",
    label: "online-ewc",
    source: "Schwarz et al. 2018",
    summary: "as ewc, with one penalty around the end of the last task",
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
    ],
    parts: |values| Parts {
        anchor: Some(Anchor {
            penalty: QuadraticPenaltyConfig::online_ewc(values["lambda"], values["decay"]),
            measure: FISHER_INFORMATION,
        }),
        ..Parts::default()
    },
};
