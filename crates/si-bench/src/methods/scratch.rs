use super::{Method, Parts, Regime};

/// A new network for each task (fig. 6).
pub(crate) static SCRATCH: Method = Method {
    key: "scratch",
    title: "from scratch",
    label: "scratch",
    source: "",
    summary: "a new network learns each task",
    parameters: &[],
    parts: |_| Parts {
        regime: Some(Regime::Afresh),
        ..Parts::default()
    },
};
