//! An experiment as data: its protocol, and the record of each of its runs.

mod anchored;
mod checkpoint;
mod choice;
mod condition;
mod config;
mod cores;
mod cost;
mod device_task;
mod equal_memory;
mod every_method;
mod folder;
mod frozen_copy;
mod images;
mod journal;
mod network;
mod optimizer;
mod path_integrals;
mod probe;
mod projection;
mod protocol;
mod random;
mod record;
mod rehearsal;
mod reporter;
mod required_precision;
mod reservoir;
mod run;
mod shard;
mod stack;
mod step_times;
mod student;
mod summary;
mod tasks;
#[cfg(test)]
mod testing;
mod validate;

pub use checkpoint::Checkpointing;
pub use choice::{Attempt, ChosenStrength, StrengthChoice};
pub use condition::Condition;
pub use config::{
    Activation, Experiment, ExperimentConfig, FisherLabels, Scenario, StatePrecision,
};
pub use cost::{Cost, Kept, Passes};
pub use folder::{ConditionStatus, FolderLock, RunFolder, new_stamped_folder, refuse_results};
pub use optimizer::{Optimizer, OptimizerReset};
pub use probe::Probe;
pub use record::{EpochRecord, RunRecord, Versions};
pub use required_precision::RequiredPrecision;
pub use run::{Measured, Progress, Run};
pub use shard::Shard;
pub use stack::StackedRuns;
pub use step_times::{Rounds, StepTimes};
pub use summary::{ConditionSummary, Summary};
pub(crate) use summary::{at_end, averages, begins_afresh};
