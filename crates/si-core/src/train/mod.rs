//! The learner in `burn-train`, Burn's training loop.

mod devices;
mod entry;
mod gauge;
mod penalty_metric;
mod penalty_share_metric;
mod step;

pub(crate) use gauge::Gauges;
pub use penalty_metric::PenaltyMetric;
pub use penalty_share_metric::PenaltyShareMetric;
