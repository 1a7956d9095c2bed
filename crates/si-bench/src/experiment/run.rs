use serde::{Deserialize, Serialize};

use crate::Error;

use super::{Condition, ExperimentConfig, RunRecord};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Task in training, from 0.
    pub task: usize,
    /// Epoch within the task, from 0.
    pub epoch: usize,
    /// Training steps done since the run's start.
    pub steps_done: usize,
    /// Training steps of the whole run.
    pub steps_total: usize,
}

/// Trains and evaluates one condition at one seed, over the whole sequence of tasks.
///
/// `observe` is called at least once per epoch and at most a few hundred times per run.
pub fn run(
    config: &ExperimentConfig,
    condition: &Condition,
    seed: u64,
    observe: &mut dyn FnMut(Progress),
) -> Result<RunRecord, Error> {
    let _ = (config, condition, seed, observe);
    Err(Error::Config("not written yet".to_string()))
}
