use super::Parts;
use super::method::{Method, Parameter, Range};
use crate::experiment::Experiment;

/// Dropout of hidden units (fig. 4).
///
/// The network of split CIFAR has dropout under every method. There, this method gives its hidden layer another rate, as 0
/// for none. The dropout after its convolutions stays as it is.
pub(crate) static DROPOUT: Method = Method {
    key: "dropout",
    title: "dropout",
    label: "dropout",
    source: "Goodfellow et al. 2013b",
    summary: "hidden units are dropped at random in training; in split-cifar, whose network always drops some, at another rate",
    parameters: &[Parameter {
        key: "rate",
        symbol: "p",
        summary: "probability that a hidden unit is dropped in a step",
        range: Range::Fraction,
        default: Some(|_| 0.5),
        is_strength: true,
        // The network of split CIFAR has 0.5 under every method.
        search: |experiment| match experiment {
            Experiment::SplitMnist | Experiment::PermutedMnist => &[0.1, 0.2, 0.3, 0.5, 0.7],
            Experiment::SplitCifar => &[0.1, 0.2, 0.3, 0.4, 0.7],
        },
    }],
    parts: |values| Parts {
        dropout: Some(values["rate"]),
        ..Parts::default()
    },
};
