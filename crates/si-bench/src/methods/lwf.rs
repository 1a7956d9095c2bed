use super::method::{Method, Parameter, Range};
use super::{Compared, Functional, Parts};

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
    ],
    parts: |values| Parts {
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
