use burn_train::metric::{
    MetricAttributes, NumericAttributes, NumericEntry, SerializedEntry, format_float,
};

const PRECISION: usize = 2;

/// What is shown of a metric, worded as for Burn's own metrics, and what loggers keep.
pub(super) fn entry(
    epoch: Option<f64>,
    batch: Option<f64>,
    kept: Option<NumericEntry>,
) -> SerializedEntry {
    let shown = |value: Option<f64>| match value {
        Some(value) => format_float(value, PRECISION),
        None => SerializedEntry::NOT_AVAILABLE.to_string(),
    };
    SerializedEntry {
        formatted: format!("epoch {} - batch {}", shown(epoch), shown(batch)),
        serialized: match kept {
            Some(kept) => kept.serialize(),
            None => SerializedEntry::NOT_AVAILABLE.to_string(),
        },
    }
}

/// The attributes of a number without a unit. Lower is better.
pub(super) fn attributes() -> MetricAttributes {
    let attributes = NumericAttributes {
        unit: None,
        higher_is_better: false,
    };
    attributes.into()
}

/// The mean over `num_steps` steps. `None` if there is no mean.
pub(super) fn aggregated(mean: Option<f64>, num_steps: usize) -> Option<NumericEntry> {
    Some(NumericEntry::Aggregated {
        aggregated_value: mean?,
        count: num_steps,
    })
}
