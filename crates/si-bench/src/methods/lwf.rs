use super::method::{Method, Parameter, Range};
use super::{Compared, Functional, Parts, Trunk};

/// Learning without Forgetting.
pub(crate) static LWF: Method = Method {
    key: "lwf",
    title: "Learning without Forgetting",
    label: "lwf",
    source: "Li and Hoiem 2016",
    summary: "the probabilities of earlier tasks' outputs are held to those of a frozen copy, on the new task's images",
    parameters: &[
        Parameter {
            key: "weight",
            symbol: "λ_o",
            summary: "factor of the loss, whose gradient is not multiplied by T²",
            range: Range::Positive,
            default: Some(|_| 1.0),
            is_strength: true,
            search: |_| &[0.3, 1.0, 3.0, 10.0],
        },
        Parameter {
            key: "temperature",
            symbol: "T",
            summary: "what logits are divided by before they are compared",
            range: Range::Positive,
            default: Some(|_| 2.0),
            is_strength: false,
            search: |_| &[],
        },
        Parameter {
            key: "warm_up",
            symbol: "warm_up",
            summary: "first epochs of each later task in which the readout alone learns",
            range: Range::Whole,
            default: Some(|_| 0.0),
            is_strength: false,
            search: |_| &[],
        },
    ],
    parts: |values| Parts {
        trunk: match values["warm_up"] as usize {
            0 => None,
            num_epochs => Some(Trunk::WarmUp { num_epochs }),
        },
        functional: Some(Functional {
            strength: values["weight"],
            compared: Compared::Outputs {
                temperature: values["temperature"],
            },
            freezes_readout: false,
        }),
        ..Parts::default()
    },
};
