//! The size that the importance of each task has.

use si_core::settings::Normalization;

use super::method::{Parameter, Range, Values, chosen};

/// What the importance of each task is divided by.
pub(super) const NORMALIZATION: Parameter = Parameter {
    key: "normalization",
    symbol: "norm",
    summary: "what the importance of each task is divided by, before it is added",
    range: Range::OneOf(&["off", "mean", "largest"]),
    default: Some(|_| 0.0),
    is_strength: false,
    search: |_| &[],
};

/// The normalization that `values` has.
pub(super) fn normalization(values: &Values) -> Normalization {
    let all = [
        Normalization::Off,
        Normalization::Mean,
        Normalization::Largest,
    ];
    chosen(values, &NORMALIZATION, all)
}
