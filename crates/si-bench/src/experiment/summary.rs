use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    Error,
    methods::Regime,
    metrics::{AccuracyMatrix, LayerCorrelations, Statistic, Statistics},
};

use super::{ChosenStrength, Condition, Experiment, ExperimentConfig, RunRecord, Versions};

/// The combined results of an experiment's runs: the content of `summary.json`, whose keys are
/// stable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The experiment.
    pub experiment: Experiment,
    /// Device that it ran on, as in the config.
    pub device: String,
    /// Versions of the programs that made the first of the runs.
    pub versions: Versions,
    /// The conditions that have at least one run, in the config's order.
    pub conditions: Vec<ConditionSummary>,
}

/// The runs of one condition, one per seed, over T tasks.
///
/// Accuracies are in `[0, 1]`, their differences in `[-1, 1]`. The measures are those of
/// [`AccuracyMatrix`], on the test set unless stated otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionSummary {
    /// The method and its settings. In JSON, its keys are on the same level as the others.
    #[serde(flatten)]
    pub condition: Condition,
    /// Seeds, ascending; the order of the runs below.
    pub seeds: Vec<u64>,
    /// Test accuracy on task j after task i of each run; `[seeds][tasks][tasks]`.
    pub accuracy: Vec<AccuracyMatrix>,
    /// The same on the training sets.
    pub train_accuracy: Vec<AccuracyMatrix>,
    /// Average over the tasks trained so far, after each task; `[tasks]`.
    pub average_accuracy: Statistics,
    /// The same on the training sets, as the paper's figure 3 shows it.
    pub train_average_accuracy: Statistics,
    /// Accuracy on each task after the last one was trained; for training from scratch, right after
    /// the task itself; `[tasks]`.
    pub final_accuracy: Statistics,
    /// The same on the training sets.
    pub final_train_accuracy: Statistics,
    /// Backward transfer. `None` with one task, and if tasks are not learnt one after the other.
    pub backward_transfer: Option<Statistic>,
    /// Forward transfer, compared with the untrained network. `None` with one task, and if tasks
    /// are not learnt one after the other.
    pub forward_transfer: Option<Statistic>,
    /// Forgetting. `None` with one task, and if tasks are not learnt one after the other.
    pub forgetting: Option<Statistic>,
    /// Accuracy on each task right after it was trained.
    pub learning_accuracy: Statistic,
    /// Share of the penalty in the loss, in `[0, 1]`, as a mean over each task's epochs; `[tasks]`.
    /// `None` if the runs recorded no epoch of some task.
    pub penalty_share: Option<Statistics>,
    /// Correlations of each run's path integrals between tasks, in each hidden layer; `[seeds]`.
    /// Empty if they were not recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correlations: Vec<Vec<LayerCorrelations>>,
    /// How each run chose its strengths; `[seeds]`. Empty if none was chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen_strengths: Vec<Vec<ChosenStrength>>,
    /// Seeds in whose run consolidation had no effect although it should have had one.
    pub inert_seeds: Vec<u64>,
    /// Seeds whose loss was not finite in some epoch.
    pub diverged_seeds: Vec<u64>,
    /// Models of the processors of the runs' machines, each once. Empty if no run stored it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub processors: BTreeSet<String>,
    /// Wall time of the runs together, in seconds.
    pub seconds: f64,
}

impl Summary {
    /// Summarises `records` by condition, in the order of `config`, with seeds ascending.
    ///
    /// Leaves out records of conditions or seeds that `config` does not have. If a run has two
    /// records, the later one counts. Runs may be missing.
    ///
    /// # Errors
    ///
    /// [`Error::Records`] if runs of one condition differ in their number of tasks.
    pub fn new(config: &ExperimentConfig, records: &[RunRecord]) -> Result<Self, Error> {
        let conditions: Vec<ConditionSummary> = config
            .conditions()
            .into_iter()
            .filter_map(|condition| {
                let runs: BTreeMap<u64, &RunRecord> = records
                    .iter()
                    .filter(|record| record.condition.name == condition.name)
                    .filter(|record| config.seeds().any(|seed| seed == record.seed))
                    .map(|record| (record.seed, record))
                    .collect();
                (!runs.is_empty()).then(|| ConditionSummary::new(condition, &runs))
            })
            .collect::<Result<_, Error>>()?;
        let versions = records.first().map(|record| record.versions.clone());
        Ok(Self {
            experiment: config.experiment,
            device: config.device.clone(),
            versions: versions.unwrap_or_else(Versions::current),
            conditions,
        })
    }

    /// The text of `summary.json`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a summary has only JSON's types") + "\n"
    }

    /// Reads the text of a `summary.json`.
    ///
    /// # Errors
    ///
    /// [`Error::Records`] if it is not one.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text)
            .map_err(|error| Error::Records(format!("not a summary: {error}")))
    }
}

impl ConditionSummary {
    fn new(condition: Condition, runs: &BTreeMap<u64, &RunRecord>) -> Result<Self, Error> {
        let uneven = || {
            Error::Records(format!(
                "the runs of condition {:?} have different numbers of tasks; remove those of another protocol",
                condition.name
            ))
        };
        let scalar = |of: &dyn Fn(&RunRecord) -> Option<f64>| {
            let values: Option<Vec<f64>> = runs.values().map(|run| of(run)).collect();
            values.and_then(|values| Statistic::new(&values))
        };
        let is_sequence = condition.parts().regime() == Regime::OneByOne;
        let sequential =
            |of: &dyn Fn(&RunRecord) -> Option<f64>| scalar(of).filter(|_| is_sequence);
        let vector = |of: &dyn Fn(&RunRecord) -> Vec<f64>| {
            let rows: Vec<Vec<f64>> = runs.values().map(|run| of(run)).collect();
            Statistics::new(&rows).ok_or_else(uneven)
        };
        let seeds_of = |fits: &dyn Fn(&RunRecord) -> bool| -> Vec<u64> {
            let fitting = runs.values().filter(|run| fits(run));
            fitting.map(|run| run.seed).collect()
        };
        let shares: Option<Vec<Vec<f64>>> = runs.values().map(|run| penalty_share(run)).collect();
        Ok(Self {
            seeds: runs.keys().copied().collect(),
            accuracy: runs.values().map(|run| run.accuracy.clone()).collect(),
            train_accuracy: runs
                .values()
                .map(|run| run.train_accuracy.clone())
                .collect(),
            average_accuracy: vector(&|run| averages(run, &run.accuracy))?,
            train_average_accuracy: vector(&|run| averages(run, &run.train_accuracy))?,
            final_accuracy: vector(&|run| at_end(run, &run.accuracy))?,
            final_train_accuracy: vector(&|run| at_end(run, &run.train_accuracy))?,
            backward_transfer: sequential(&|run| run.accuracy.backward_transfer()),
            forward_transfer: sequential(&|run| {
                run.accuracy.forward_transfer(&run.initial_accuracy)
            }),
            forgetting: sequential(&|run| run.accuracy.forgetting()),
            learning_accuracy: scalar(&|run| Some(run.accuracy.learning_accuracy()))
                .ok_or_else(uneven)?,
            penalty_share: shares.and_then(|rows| Statistics::new(&rows)),
            correlations: if runs.values().all(|run| run.correlations.is_empty()) {
                Vec::new()
            } else {
                runs.values().map(|run| run.correlations.clone()).collect()
            },
            chosen_strengths: if runs.values().all(|run| run.chosen_strengths.is_empty()) {
                Vec::new()
            } else {
                let chosen = runs.values().map(|run| run.chosen_strengths.clone());
                chosen.collect()
            },
            inert_seeds: seeds_of(&|run| run.inert),
            diverged_seeds: seeds_of(&|run| {
                run.epochs.iter().any(|epoch| epoch.task_loss.is_none())
            }),
            processors: runs
                .values()
                .filter_map(|run| run.processor.clone())
                .collect(),
            seconds: runs.values().map(|run| run.elapsed_seconds).sum(),
            condition,
        })
    }

    /// Number of tasks T.
    pub fn num_tasks(&self) -> usize {
        self.final_accuracy.mean.len()
    }

    /// Test accuracy on `task` after each task from its own on; `[tasks - task]`.
    pub fn accuracy_from_own_task_on(&self, task: usize) -> Vec<Statistic> {
        (task..self.num_tasks())
            .filter_map(|after| {
                let at = |accuracy: &AccuracyMatrix| accuracy.rows().get(after)?.get(task).copied();
                let values: Vec<f64> = self.accuracy.iter().filter_map(at).collect();
                Statistic::new(&values)
            })
            .collect()
    }
}

/// Accuracy on each task after the last one; for training from scratch, right after the task itself; `[tasks]`.
pub(crate) fn at_end(run: &RunRecord, accuracy: &AccuracyMatrix) -> Vec<f64> {
    if begins_afresh(run) {
        accuracy.diagonal()
    } else {
        accuracy.last().to_vec()
    }
}

/// The average over the tasks learnt so far, after each task; `[tasks]`. If each task has a new network, it is that of the
/// networks, each on its own task.
pub(crate) fn averages(run: &RunRecord, accuracy: &AccuracyMatrix) -> Vec<f64> {
    if !begins_afresh(run) {
        return accuracy.average_accuracies();
    }
    let mut sum = 0.0;
    let diagonal = accuracy.diagonal().into_iter().enumerate();
    diagonal
        .map(|(index, accuracy)| {
            sum += accuracy;
            sum / (index + 1) as f64
        })
        .collect()
}

pub(crate) fn begins_afresh(run: &RunRecord) -> bool {
    run.condition.parts().regime() == Regime::Afresh
}

/// Mean over each task's epochs; `[tasks]`. `None` if a task has no epoch with a finite loss.
fn penalty_share(run: &RunRecord) -> Option<Vec<f64>> {
    (0..run.accuracy.num_tasks())
        .map(|task| {
            let epochs = run.epochs.iter().filter(|epoch| epoch.task == task);
            let shares: Vec<f64> = epochs.filter_map(|epoch| epoch.penalty_share).collect();
            Statistic::new(&shares).map(|statistic| statistic.mean)
        })
        .collect()
}

#[cfg(test)]
mod tests;
