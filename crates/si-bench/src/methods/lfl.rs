use super::method::{Method, Parameter, Range};
use super::{Compared, Functional, Parts};

/// Less-forgetting learning.
pub(crate) static LFL: Method = Method {
    key: "lfl",
    title: "less-forgetting learning",
    label: "lfl",
    source: "Jung et al. 2016",
    summary: "features are held to those of a frozen copy, on the new task's images; the readout of earlier tasks is frozen",
    parameters: &[Parameter {
        key: "weight",
        symbol: "λ_e",
        summary: "factor of half the squared distance, summed over the units",
        range: Range::Positive,
        default: Some(|_| 1e-3),
        is_strength: true,
        search: |_| &[1e-4, 1e-3, 0.01, 0.1, 1.0],
    }],
    parts: |values| Parts {
        functional: Some(Functional {
            strength: values["weight"],
            compared: Compared::Features,
            freezes_readout: true,
        }),
        ..Parts::default()
    },
};
