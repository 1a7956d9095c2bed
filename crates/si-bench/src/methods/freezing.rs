use super::{Method, Parts, Trunk};

/// Freezing of everything but the readout after the first task.
///
/// The frozen parameters have no gradient, so no optimizer moves them. The readout's outputs of earlier tasks may still
/// move if the optimizer keeps its moments between tasks.
pub(crate) static FREEZING: Method = Method {
    key: "freezing",
    title: "freezing",
    label: "freezing",
    source: "Razavian et al. 2014",
    summary: "from the second task on, only the readout learns, without dropout",
    parameters: &[],
    parts: |_| Parts {
        trunk: Some(Trunk::Frozen),
        ..Parts::default()
    },
};
