//! An experiment as data: its protocol, and the record that a run of it leaves.

mod config;
mod device_task;
mod folder;
mod optimizer;
mod random;
mod record;
mod run;
mod summary;

pub use config::{Activation, Condition, Experiment, ExperimentConfig, Scenario};
pub use folder::{RunFolder, new_stamped_folder};
pub use optimizer::Optimizer;
pub use record::{EpochRecord, RunRecord, Versions};
pub use run::{Progress, run, run_on};
pub use summary::{ConditionSummary, Summary};
