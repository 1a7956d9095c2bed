//! The learner in `burn-train`, Burn's training loop.

mod devices;
mod entry;
mod penalty_feed;
mod penalty_metric;
mod penalty_share_metric;
mod step;

pub(crate) use penalty_feed::PenaltyFeeds;
pub use penalty_metric::PenaltyMetric;
pub use penalty_share_metric::PenaltyShareMetric;
