use super::memory::{BATCH, SIZE};
use super::method::{Method, Parameter, Range};
use super::{Memory, Parts, Replay};
use crate::experiment::Experiment;

/// Dark Experience Replay.
pub(crate) static DER: Method = Method {
    key: "der",
    title: "Dark Experience Replay",
    label: "der",
    source: "Buzzega et al. 2020",
    summary: "the logits of images from a memory are held to what they were",
    parameters: &[
        Parameter {
            default: Some(|config| match config.experiment {
                Experiment::SplitMnist => 0.5,
                Experiment::PermutedMnist => 1.0,
                Experiment::SplitCifar => 0.3,
            }),
            ..ALPHA
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
                beta: None,
            },
        }),
        ..Parts::default()
    },
};

/// Factor α of the distance of the logits.
pub(super) const ALPHA: Parameter = Parameter {
    key: "alpha",
    symbol: "α",
    summary: "factor of the squared distance of the logits, a mean over images and outputs",
    range: Range::Positive,
    default: None,
    is_strength: true,
    search: |_| &[0.1, 0.3, 1.0, 3.0],
};

/// Number of images in the memory, for methods whose strength is α.
pub(super) const SIZE_BESIDE_ALPHA: Parameter = Parameter {
    is_strength: false,
    ..SIZE
};
