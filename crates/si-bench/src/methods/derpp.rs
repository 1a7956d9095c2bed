use super::der::{ALPHA, SIZE_BESIDE_ALPHA};
use super::memory::BATCH;
use super::method::{Method, Parameter, Range};
use super::{Memory, Parts, Replay};
use crate::experiment::Experiment;

/// Dark Experience Replay with labels.
pub(crate) static DERPP: Method = Method {
    key: "derpp",
    title: "Dark Experience Replay++",
    label: "der++",
    source: "Buzzega et al. 2020",
    summary: "as der, and the labels of images of a second draw are learnt again",
    parameters: &[
        Parameter {
            default: Some(|config| match config.experiment {
                Experiment::SplitMnist => 0.2,
                Experiment::PermutedMnist => 1.0,
                Experiment::SplitCifar => 0.1,
            }),
            ..ALPHA
        },
        Parameter {
            key: "beta",
            symbol: "β",
            summary: "factor of the cross-entropy of images from the memory",
            range: Range::Positive,
            default: Some(|config| match config.experiment {
                Experiment::SplitMnist | Experiment::PermutedMnist => 1.0,
                Experiment::SplitCifar => 0.5,
            }),
            is_strength: false,
            search: |_| &[],
        },
        SIZE_BESIDE_ALPHA,
        BATCH,
    ],
    parts: |values| Parts {
        memory: Some(Memory {
            size: values["size"] as usize,
            batch: values["batch"] as usize,
            replay: Replay::Logits {
                alpha: values["alpha"],
                beta: Some(values["beta"]),
            },
        }),
        ..Parts::default()
    },
};
