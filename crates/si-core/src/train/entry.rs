use burn_train::metric::{
    MetricAttributes, NumericAttributes, NumericEntry, SerializedEntry, format_float,
};

const PRECISION: usize = 2;

/// What is shown of a metric, in the words of Burn's own, and what loggers keep of it.
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

/// Of a number without a unit, which is better the lower it is.
pub(super) fn attributes() -> MetricAttributes {
    let attributes = NumericAttributes {
        unit: None,
        higher_is_better: false,
    };
    attributes.into()
}

/// The mean of some steps; none of no steps.
pub(super) fn aggregated(mean: Option<f64>, num_steps: usize) -> Option<NumericEntry> {
    Some(NumericEntry::Aggregated {
        aggregated_value: mean?,
        count: num_steps,
    })
}
