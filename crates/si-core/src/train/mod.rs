//! The learner in `burn-train`, Burn's training loop.

mod devices;
mod entry;
mod penalty_feed;
mod penalty_metric;
mod penalty_share_metric;
mod step;
mod task_accuracies;
mod task_loader;
mod task_metric;

pub(crate) use penalty_feed::PenaltyFeeds;
pub use penalty_metric::PenaltyMetric;
pub use penalty_share_metric::PenaltyShareMetric;
pub use task_accuracies::TaskAccuracies;
pub use task_metric::TaskMetric;
