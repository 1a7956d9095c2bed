use si_core::Preset;

use super::method::{Method, Parameter, Range};
use super::normalization::{NORMALIZATION, normalization};
use super::{Parts, Synaptic};
use crate::experiment::{Experiment, ExperimentConfig};

/// Synaptic Intelligence.
pub(crate) static SI: Method = Method {
    key: "si",
    title: "Synaptic Intelligence",
    label: "si",
    source: "Zenke et al. 2017",
    summary: "importance is measured along the path of training",
    parameters: &[
        Parameter {
            key: "c",
            symbol: "c",
            summary: "strength of the penalty (eq. 4)",
            range: Range::Positive,
            default: Some(default_strength),
            is_strength: true,
            search: |_| &[0.001, 0.01, 0.1, 1.0, 10.0],
        },
        Parameter {
            key: "xi",
            symbol: "ξ",
            summary: "damping (eq. 5)",
            range: Range::Positive,
            default: Some(default_damping),
            is_strength: false,
            search: |_| &[],
        },
        NORMALIZATION,
    ],
    parts: |values| Parts {
        synaptic: Some(Synaptic {
            strength: values["c"],
            damping: values["xi"],
            normalization: normalization(values),
        }),
        ..Parts::default()
    },
};

/// The strength c of the paper, or close to it.
pub(super) fn default_strength(config: &ExperimentConfig) -> f64 {
    match config.experiment {
        Experiment::SplitMnist => 1.0,
        Experiment::PermutedMnist | Experiment::SplitCifar => 0.1,
    }
}

/// The damping ξ of the paper for the preset `paper` in permuted MNIST, otherwise that of the preset.
pub(crate) fn default_damping(config: &ExperimentConfig) -> f64 {
    match (config.experiment, config.preset) {
        (Experiment::PermutedMnist, Preset::Paper) => 0.1,
        (_, preset) => preset.config().damping,
    }
}
