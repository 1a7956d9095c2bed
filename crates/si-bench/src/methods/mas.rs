use si_core::QuadraticPenaltyConfig;

use super::method::{Method, Parameter, Range};
use super::{Anchor, Parts};

/// Memory Aware Synapses.
pub(crate) static MAS: Method = Method {
    key: "mas",
    title: "Memory Aware Synapses",
    label: "mas",
    source: "Aljundi et al. 2018",
    summary: "importance is how much the outputs change at a task's end; no labels are needed",
    parameters: &[Parameter {
        key: "lambda",
        symbol: "λ",
        summary: "strength of the penalty",
        range: Range::Positive,
        default: Some(|_| 1.0),
        is_strength: true,
        search: |_| &[0.01, 0.1, 1.0, 10.0, 100.0],
    }],
    parts: |values| Parts {
        anchor: Some(Anchor {
            penalty: QuadraticPenaltyConfig::mas(values["lambda"]),
            measure: |network, examples| network.sensitivity(examples.images, examples.mask),
        }),
        ..Parts::default()
    },
};
