//! Elastic Weight Consolidation: importance from the Fisher information, measured at a task's end.

mod config;
mod fisher;
mod labels;
mod record;
mod regularizer;
mod spring;
mod step;

pub use config::{ElasticForm, ElasticWeightConsolidationConfig};
pub use fisher::Fisher;
pub use labels::Labels;
pub use regularizer::ElasticWeightConsolidation;
pub use spring::Spring;
