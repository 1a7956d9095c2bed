use super::method::{Method, Parameter, Range};
use super::{Parts, Trunk};

/// A lower learning rate of everything but the readout after the first task.
///
/// The rate is lowered and not the gradient, because the length of a step of Adam does not depend on that of the
/// gradient.
pub(crate) static REDUCED_RATE: Method = Method {
    key: "reduced-rate",
    title: "reduced learning rate",
    label: "reduced rate",
    source: "Li and Hoiem 2016",
    summary: "from the second task on, all layers but the readout have a lower learning rate",
    parameters: &[Parameter {
        key: "factor",
        symbol: "s",
        summary: "factor of their learning rate",
        range: Range::Share,
        default: Some(|_| 0.1),
        is_strength: true,
        search: |_| &[0.01, 0.03, 0.1, 0.3],
    }],
    parts: |values| Parts {
        trunk: Some(Trunk::Slowed {
            factor: values["factor"],
        }),
        ..Parts::default()
    },
};
