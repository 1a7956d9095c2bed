use serde::{Deserialize, Serialize};
use si_core::checkpoint::BURN_VERSION;

use crate::metrics::{AccuracyMatrix, LayerCorrelations};

use super::{ChosenStrength, Condition, Cost};

/// Result of one finished run, that is, one condition at one seed: a line of a folder's records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// What was run.
    pub condition: Condition,
    /// Seed of the initial parameters and of the order of the data.
    pub seed: u64,
    /// Test accuracy on task j after training on task i.
    pub accuracy: AccuracyMatrix,
    /// Training accuracy on task j after training on task i.
    pub train_accuracy: AccuracyMatrix,
    /// Test accuracy of the untrained network on each task.
    pub initial_accuracy: Vec<f64>,
    /// Losses of each epoch, in the order of training, and accuracies after it if the config asks for them.
    pub epochs: Vec<EpochRecord>,
    /// Correlations between the tasks' path integrals in each hidden layer, if the config asks for
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correlations: Vec<LayerCorrelations>,
    /// How the strength was chosen for each task from the second on, if the config asks for it and the method has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen_strengths: Vec<ChosenStrength>,
    /// Whether consolidation had no effect in a task where it should have had one.
    pub inert: bool,
    /// Wall time of the run, in seconds. Of one of [`StackedRuns`](super::StackedRuns), the wall time of all divided by
    /// their number.
    pub elapsed_seconds: f64,
    /// Device that it ran on, as in the config.
    pub device: String,
    /// [`MatmulPrecision::error`](si_core::MatmulPrecision::error) of the device, as measured before the run. `None` on a
    /// CPU, whose float32 products are exact, and in old records, which do not store it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matmul_error: Option<f64>,
    /// Threads that it ran with, on a device where a process computes only with its own threads.
    /// Also `None` in old records, which do not store it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub num_threads: Option<usize>,
    /// Model of the machine's processor, as in [`processor`](crate::processor()). Also `None` in old records, which do not
    /// store it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// What it took beside plain training. `None` in old records, which do not store it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// Versions of the programs that made it.
    pub versions: Versions,
}

impl RunRecord {
    /// Whether `other` is the same run with the same results. When, on which machine and by which version each was made
    /// does not count, nor what it took if one of them did not record it.
    pub fn is_repetition_of(&self, other: &Self) -> bool {
        let costs = self.cost.zip(other.cost);
        costs.is_none_or(|(own, other)| own == other)
            && self.anywhere() == other.with_versions(&self.versions).anywhere()
    }

    fn with_versions(&self, versions: &Versions) -> Self {
        Self {
            versions: versions.clone(),
            ..self.clone()
        }
    }

    fn anywhere(&self) -> Self {
        Self {
            elapsed_seconds: 0.0,
            matmul_error: None,
            num_threads: None,
            processor: None,
            cost: None,
            ..self.clone()
        }
    }
}

/// Means over one epoch's steps, and what was measured after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Task, from 0.
    pub task: usize,
    /// Epoch within the task, from 0.
    pub epoch: usize,
    /// Mean task loss, in nats. `None` if it was not finite, for example because training diverged.
    pub task_loss: Option<f64>,
    /// Mean penalty of Synaptic Intelligence, in nats. `None` if it was not finite, always for methods that measure
    /// importance at a task's end, and always for one of [`StackedRuns`](super::StackedRuns).
    pub penalty: Option<f64>,
    /// Share of the penalty in the sum of both; in `[0, 1]` if no importance is negative. `None` if
    /// `penalty` is `None`.
    pub penalty_share: Option<f64>,
    /// Test accuracy after the epoch on each task that was learnt so far, the current one last. In joint training, on
    /// every task. Empty unless the config asks for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accuracy: Vec<f64>,
}

/// Versions of the software that did a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// This project.
    pub si: String,
    /// Burn.
    pub burn: String,
}

impl Versions {
    /// The versions that this program was built with.
    pub fn current() -> Self {
        Self {
            si: env!("CARGO_PKG_VERSION").to_string(),
            burn: BURN_VERSION.to_string(),
        }
    }
}
