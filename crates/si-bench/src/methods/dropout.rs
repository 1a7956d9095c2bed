use super::Parts;
use super::method::{Method, Parameter, Range};

/// Dropout of the perceptron's hidden units (fig. 4).
pub(crate) static DROPOUT: Method = Method {
    key: "dropout",
    title: "dropout",
    label: "dropout",
    source: "Goodfellow et al. 2013",
    summary: "hidden units are dropped at random in training; not in split-cifar, whose network always has it",
    parameters: &[Parameter {
        key: "rate",
        symbol: "p",
        summary: "probability that a hidden unit is dropped in a step",
        range: Range::ProperShare,
        default: Some(|_| 0.5),
        is_strength: true,
        search: |_| &[],
    }],
    parts: |values| Parts {
        dropout: Some(values["rate"]),
        ..Parts::default()
    },
};
