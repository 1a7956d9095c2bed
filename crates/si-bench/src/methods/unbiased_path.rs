use si_core::QuadraticPenaltyConfig;
use si_core::importance::RunningMeasure;

use super::method::{Method, Parameter, Range, Values};
use super::si::{default_damping, default_strength};
use super::{Anchor, Measure, Parts};

/// Synaptic Intelligence without the bias of its path integral.
pub(crate) static SIU: Method = Method {
    key: "siu",
    title: "Synaptic Intelligence without its bias",
    label: "siu",
    source: "Benzing 2022",
    summary: "as si, with the gradient of a second minibatch in the path integral",
    parameters: &PARAMETERS,
    parts: |values| {
        parts(
            values,
            RunningMeasure::UnbiasedPath {
                damping: values["xi"],
            },
        )
    },
};

/// The bias of the path integral of Synaptic Intelligence alone.
pub(crate) static SIB: Method = Method {
    key: "sib",
    title: "bias of Synaptic Intelligence alone",
    label: "sib",
    source: "Benzing 2022",
    summary: "as si, with the gradient minus that of a second minibatch in the path integral",
    parameters: &PARAMETERS,
    parts: |values| {
        parts(
            values,
            RunningMeasure::PathBias {
                damping: values["xi"],
            },
        )
    },
};

const PARAMETERS: [Parameter; 2] = [
    Parameter {
        key: "c",
        symbol: "c",
        summary: "strength of the penalty c Σ Ω (θ − θ̃)²",
        range: Range::Positive,
        default: Some(default_strength),
        is_strength: true,
        search: |_| &[0.001, 0.01, 0.1, 1.0, 10.0],
    },
    Parameter {
        key: "xi",
        symbol: "ξ",
        summary: "damping, as in si",
        range: Range::Positive,
        default: Some(default_damping),
        is_strength: false,
        search: |_| &[],
    },
];

fn parts(values: &Values, measure: RunningMeasure) -> Parts {
    Parts {
        anchor: Some(Anchor {
            penalty: QuadraticPenaltyConfig::new(values["c"]),
            measure: Measure::InSteps(measure),
        }),
        ..Parts::default()
    }
}
