//! Elastic Weight Consolidation: importance is the Fisher information, measured at the end of a task.

mod config;
mod fisher;
mod fisher_labels;
mod quadratic_pull;
mod record;
mod regularizer;
mod step;

pub use config::{ElasticForm, ElasticWeightConsolidationConfig};
pub use fisher::Fisher;
pub use fisher_labels::FisherLabels;
pub use quadratic_pull::QuadraticPull;
pub use regularizer::ElasticWeightConsolidation;
