use super::Parts;
use super::method::{Method, Parameter, Range};
use crate::model::Units;

/// Units that choose the largest of several sums. The hidden layers have as many units as without it, so the network is
/// larger.
pub(crate) static MAXOUT: Method = Method {
    key: "maxout",
    title: "Maxout",
    label: "maxout",
    source: "Goodfellow et al. 2013a",
    summary: "a hidden unit is the largest of several sums with separate weights; replaces --activation; perceptrons only",
    parameters: &[Parameter {
        key: "pieces",
        symbol: "k",
        summary: "sums of a hidden unit",
        range: Range::Several,
        default: Some(|_| 2.0),
        is_strength: false,
        search: |_| &[],
    }],
    parts: |values| Parts {
        units: Some(Units::Maxout {
            pieces: values["pieces"] as usize,
        }),
        ..Parts::default()
    },
};
