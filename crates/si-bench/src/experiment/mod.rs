//! An experiment as data: its protocol, and the record that a run of it leaves.

mod config;
mod record;
mod run;

pub use config::{Activation, Condition, Experiment, ExperimentConfig, Optimizer, Scenario};
pub use record::{EpochRecord, RunRecord, Versions};
pub use run::{Progress, run};
