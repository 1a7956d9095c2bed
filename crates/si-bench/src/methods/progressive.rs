use super::{Growth, Method, Parts};

/// Progressive networks: what was learnt never changes, and the network grows with each task.
pub(crate) static PROGRESSIVE: Method = Method {
    key: "progressive",
    title: "progressive networks",
    label: "progressive",
    source: "Rusu et al. 2016",
    summary: "each task has new hidden layers, which also read those of the earlier tasks; only if the task is known",
    parameters: &[],
    parts: |_| Parts {
        growth: Some(Growth::ColumnPerTask),
        ..Parts::default()
    },
};
