use super::Parts;
use super::method::{Method, Parameter, Range};
use crate::model::Units;

/// Units that compete within blocks. For each image, only the winners learn.
pub(crate) static LWTA: Method = Method {
    key: "lwta",
    title: "local winner-take-all",
    label: "lwta",
    source: "Srivastava et al. 2013",
    summary: "in each block of hidden units, the largest sum is passed on; replaces --activation; perceptrons only",
    parameters: &[Parameter {
        key: "block",
        symbol: "k",
        summary: "size of a block, which must divide the size of each hidden layer",
        range: Range::Several,
        default: Some(|_| 2.0),
        is_strength: false,
        search: |_| &[],
    }],
    parts: |values| Parts {
        units: Some(Units::Lwta {
            block: values["block"] as usize,
        }),
        ..Parts::default()
    },
};
