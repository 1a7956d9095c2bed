use super::{Method, Parts};

/// Tasks one after the other, with nothing against forgetting.
pub(crate) static NONE: Method = Method {
    key: "none",
    title: "no consolidation",
    label: "none (c = 0)",
    source: "",
    summary: "nothing is held back",
    parameters: &[],
    parts: |_| Parts::default(),
};
