use super::memory::{BATCH, SIZE};
use super::method::{Method, Parameter};
use super::{Memory, Parts, Replay};
use crate::experiment::Experiment;

/// Averaged Gradient Episodic Memory.
pub(crate) static AGEM: Method = Method {
    key: "agem",
    title: "Averaged Gradient Episodic Memory",
    label: "a-gem",
    source: "Chaudhry et al. 2019a",
    summary: "a gradient that raises the loss on a memory of earlier tasks is projected; made for plain SGD",
    parameters: &[
        Parameter {
            default: Some(|config| {
                let of_task = match config.experiment {
                    Experiment::SplitMnist | Experiment::PermutedMnist => 250.0,
                    Experiment::SplitCifar => 65.0,
                };
                of_task * config.num_tasks as f64
            }),
            ..SIZE
        },
        Parameter {
            default: Some(|config| match config.experiment {
                Experiment::SplitMnist | Experiment::PermutedMnist => 256.0,
                Experiment::SplitCifar => 1300.0,
            }),
            ..BATCH
        },
    ],
    parts: |values| Parts {
        memory: Some(Memory {
            size: values["size"] as usize,
            batch: values["batch"] as usize,
            replay: Replay::Projection,
        }),
        ..Parts::default()
    },
};
