use serde::{Deserialize, Serialize};

use crate::metrics::{AccuracyMatrix, LayerCorrelations};
use crate::{Error, processor, resolve_device};

use super::{ChosenStrength, Condition, Cost, EpochRecord, ExperimentConfig, RunRecord, Versions};

/// A run's results so far, and the point where it continues.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Journal {
    /// Lesson to continue in, from 0.
    pub(super) lesson: usize,
    /// Epoch within it, from 0.
    pub(super) epoch: usize,
    /// Training steps done.
    pub(super) steps_done: usize,
    /// Training steps done when the lesson began.
    pub(super) steps_before_lesson: usize,
    /// Test accuracy of the untrained network on each task.
    pub(super) initial_accuracy: Vec<f64>,
    /// Rows of the matrix of test accuracies.
    pub(super) accuracy: Vec<Vec<f64>>,
    /// Rows of the matrix of training accuracies.
    pub(super) train_accuracy: Vec<Vec<f64>>,
    pub(super) epochs: Vec<EpochRecord>,
    pub(super) inert: bool,
    /// How the strength was chosen for earlier tasks.
    #[serde(default)]
    pub(super) chosen: Vec<ChosenStrength>,
    /// The same for the current task, as far as it has gone.
    #[serde(default)]
    pub(super) choosing: Option<ChosenStrength>,
    /// Training steps of copies that learnt with nothing held back. `steps_done` is without these.
    #[serde(default)]
    pub(super) steps_free: usize,
    /// Training steps of attempts that were not kept. `steps_done` is without these.
    #[serde(default)]
    pub(super) steps_refused: usize,
    /// What the run took so far.
    #[serde(default)]
    pub(super) cost: Cost,
    /// How the path integrals of the tasks are correlated; empty before the end.
    pub(super) correlations: Vec<LayerCorrelations>,
    /// Wall time so far, in seconds.
    pub(super) elapsed_seconds: f64,
}

impl Journal {
    /// The record of the run, which is done. `matmul_error` is that of its device.
    pub(super) fn into_record(
        self,
        config: &ExperimentConfig,
        (condition, seed): (&Condition, u64),
        matmul_error: Option<f64>,
    ) -> Result<RunRecord, Error> {
        Ok(RunRecord {
            condition: condition.clone(),
            seed,
            accuracy: AccuracyMatrix::new(self.accuracy)?,
            train_accuracy: AccuracyMatrix::new(self.train_accuracy)?,
            initial_accuracy: self.initial_accuracy,
            epochs: self.epochs,
            correlations: self.correlations,
            chosen_strengths: self.chosen,
            inert: self.inert,
            elapsed_seconds: self.elapsed_seconds,
            device: resolve_device(&config.device)?,
            matmul_error,
            num_threads: config.threads_in_use(),
            processor: processor(),
            // A checkpoint of an older version has counted nothing up to its point.
            cost: (self.cost.num_parameters > 0).then_some(self.cost),
            versions: Versions::current(),
        })
    }
}
