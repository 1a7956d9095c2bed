use super::memory::{BATCH, SIZE};
use super::{Memory, Method, Parts, Replay};

/// Experience replay.
pub(crate) static ER: Method = Method {
    key: "er",
    title: "experience replay",
    label: "er",
    source: "Chaudhry et al. 2019b",
    summary: "images from a memory join each minibatch",
    parameters: &[SIZE, BATCH],
    parts: |values| Parts {
        memory: Some(Memory {
            size: values["size"] as usize,
            batch: values["batch"] as usize,
            replay: Replay::Joined,
        }),
        ..Parts::default()
    },
};
