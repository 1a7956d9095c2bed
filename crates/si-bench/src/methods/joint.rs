use super::{Method, Parts, Regime};

/// One network that learns all tasks at once: an upper bound (fig. 4).
pub(crate) static JOINT: Method = Method {
    key: "joint",
    title: "joint training",
    label: "joint",
    source: "",
    summary: "one network learns all tasks at once",
    parameters: &[],
    parts: |_| Parts {
        regime: Some(Regime::Jointly),
        ..Parts::default()
    },
};
