use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use si_core::measures::Stability;

use crate::experiment::{Condition, ConditionSummary, Cost, RunRecord, at_end};
use crate::methods::{Parameter, Regime};
use crate::metrics::{Statistic, Statistics};
use crate::report::{range_end, warnings};

use super::BestStrength;

/// A method with its results and its cost: an entry of `compare.json`, whose keys are stable.
///
/// Accuracies are in `[0, 1]`, their differences in `[-1, 1]`, on the test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparedMethod {
    /// The method and its parameters. In JSON, its keys are on the same level as the others.
    #[serde(flatten)]
    pub condition: Condition,
    /// Its name in tables and figures, with its strength.
    pub label: String,
    /// Whether its memory has as many bytes as the state of Synaptic Intelligence, for comparison with it.
    pub has_equal_memory: bool,
    /// How its strength was found. `None` if it was given, or if there is none to search for.
    pub searched: Option<Searched>,
    /// Seeds, ascending.
    pub seeds: Vec<u64>,
    /// Average over all tasks after the last.
    pub average_accuracy: Statistic,
    /// The same in a publication with this protocol. `None` if there is none, or if it does not have the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Statistic>,
    /// Average over the tasks trained so far, after each task; `[tasks]`.
    pub average_accuracies: Statistics,
    /// Forgetting. `None` with one task, and if tasks are not learnt one after the other.
    pub forgetting: Option<Statistic>,
    /// Backward transfer. `None` with one task, and if tasks are not learnt one after the other.
    pub backward_transfer: Option<Statistic>,
    /// Accuracy on each task right after it was trained.
    pub learning_accuracy: Statistic,
    /// min-ACC, from the evaluations at the tasks' ends, and after every epoch if the config asks for these. `None` with
    /// one task, and if tasks are not learnt one after the other.
    pub min_accuracy: Option<Statistic>,
    /// WC-ACC after the last task, from the same evaluations. `None` if tasks are not learnt one after the other, and in
    /// files of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_case_accuracy: Option<Statistic>,
    /// Average over all tasks but the last, after the last. `None` with one task.
    pub old_accuracy: Option<Statistic>,
    /// Accuracy on the last task, after it.
    pub newest_accuracy: Statistic,
    /// What it took beside plain training, as a mean over seeds. `None` if a run did not record it.
    pub cost: Option<MethodCost>,
    /// Wall time of a run, in seconds, as a mean over seeds.
    pub seconds: f64,
    /// Models of the processors of the runs' machines, each once. Empty if no run stored it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub processors: BTreeSet<String>,
    /// Warnings about runs that went wrong.
    pub warnings: Vec<String>,
}

/// The search for a strength.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Searched {
    /// The parameter's key.
    pub parameter: String,
    /// The values that were tried, ascending.
    pub tried: Vec<f64>,
    /// The best of them.
    pub chosen: f64,
    /// Its average accuracy on held-out images after the last task.
    pub held_out_accuracy: f64,
    /// Whether it is the smallest or the largest value that was tried.
    pub is_at_end: bool,
}

/// What a method takes beside plain training: the same network, learning the same tasks with nothing against forgetting.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MethodCost {
    /// Floating-point numbers that it keeps for each parameter of the plain network.
    pub floats_per_parameter: f64,
    /// Bytes that it keeps.
    pub bytes: f64,
    /// Forward passes for each image of the steps' own minibatches, beyond the one of plain training. Over all steps.
    pub extra_forwards: f64,
    /// The same for backward passes.
    pub extra_backwards: f64,
    /// Images on which importance is measured at a task's end. Not part of the passes above.
    pub measured_images: f64,
}

impl ComparedMethod {
    /// `records` are the runs of `summary`. `None` if there are none.
    pub(super) fn new(
        summary: &ConditionSummary,
        records: &[RunRecord],
        best: Option<&BestStrength>,
        has_equal_memory: bool,
    ) -> Option<Self> {
        let condition = &summary.condition;
        let runs: Vec<&RunRecord> = records
            .iter()
            .filter(|run| run.condition == *condition && summary.seeds.contains(&run.seed))
            .collect();
        let of_runs = |of: &dyn Fn(&RunRecord) -> Option<f64>| {
            let values: Option<Vec<f64>> = runs.iter().map(|run| of(run)).collect();
            values.and_then(|values| Statistic::new(&values))
        };
        let is_sequence = condition.parts().regime() == Regime::OneByOne;
        Some(Self {
            label: label(condition.label(), has_equal_memory),
            has_equal_memory,
            searched: best.map(Searched::new),
            seeds: summary.seeds.clone(),
            average_accuracy: summary.average_accuracy.last()?,
            published: None,
            average_accuracies: summary.average_accuracy.clone(),
            forgetting: summary.forgetting,
            backward_transfer: summary.backward_transfer,
            learning_accuracy: summary.learning_accuracy,
            min_accuracy: of_runs(&|run| stability(run)?.min_accuracy()).filter(|_| is_sequence),
            worst_case_accuracy: of_runs(&|run| stability(run)?.worst_case_accuracy())
                .filter(|_| is_sequence),
            old_accuracy: of_runs(&|run| old_and_newest(run).0),
            newest_accuracy: of_runs(&|run| old_and_newest(run).1)?,
            cost: MethodCost::mean(&runs),
            seconds: of_runs(&|run| Some(run.elapsed_seconds))?.mean,
            processors: summary.processors.clone(),
            warnings: warnings(&condition.label(), summary),
            condition: condition.clone(),
        })
    }

    /// Its label with `≥` or `≤` in place of `=` if its strength is an [end](Searched::end) of the range.
    pub(super) fn marked_label(&self) -> String {
        let end = self.searched.as_ref().and_then(|it| Some((it, it.end()?)));
        let Some((searched, end)) = end else {
            return self.label.clone();
        };
        let relation = |it: &Parameter| {
            if it.key == searched.parameter {
                end
            } else {
                "="
            }
        };
        label(self.condition.label_with(relation), self.has_equal_memory)
    }
}

impl Searched {
    fn new(best: &BestStrength) -> Self {
        Self {
            parameter: best.parameter.key.to_string(),
            tried: best.tried.clone(),
            chosen: best.value(),
            held_out_accuracy: best.average_accuracy(),
            is_at_end: best.is_at_end(),
        }
    }

    /// Of fewer values, most are ends of the range.
    pub(super) const ENOUGH_VALUES: usize = 3;

    /// Whether too few values were tried to tell whether a better one lies beyond the range.
    pub(super) fn has_few_values(&self) -> bool {
        self.tried.len() < Self::ENOUGH_VALUES
    }

    /// The [mark](range_end) of the strength. `None` if a better one is not likely to lie beyond the range, or if too few
    /// were tried to tell.
    pub(super) fn end(&self) -> Option<&'static str> {
        range_end(&self.tried, self.chosen).filter(|_| !self.has_few_values())
    }
}

fn label(label: String, has_equal_memory: bool) -> String {
    if has_equal_memory {
        format!("{label}, bytes of si")
    } else {
        label
    }
}

impl MethodCost {
    fn new(cost: &Cost, num_tasks: usize) -> Self {
        let share = |count: u64, of: u64| count as f64 / of.max(1) as f64;
        let Cost {
            num_parameters,
            kept,
            passes,
        } = *cost;
        Self {
            floats_per_parameter: share(kept.floats, num_parameters),
            bytes: kept.bytes as f64,
            extra_forwards: share(passes.forwards, passes.trained) - 1.0,
            extra_backwards: share(passes.backwards, passes.trained) - 1.0,
            measured_images: share(passes.measured, num_tasks as u64),
        }
    }

    fn mean(runs: &[&RunRecord]) -> Option<Self> {
        let costs = runs.iter().map(|run| {
            let cost = run.cost.as_ref()?;
            Some(Self::new(cost, run.accuracy.num_tasks()))
        });
        let costs: Vec<Self> = costs.collect::<Option<_>>()?;
        let mean = |of: fn(&Self) -> f64| {
            let values: Vec<f64> = costs.iter().map(of).collect();
            Statistic::new(&values).map(|statistic| statistic.mean)
        };
        Some(Self {
            floats_per_parameter: mean(|it| it.floats_per_parameter)?,
            bytes: mean(|it| it.bytes)?,
            extra_forwards: mean(|it| it.extra_forwards)?,
            extra_backwards: mean(|it| it.extra_backwards)?,
            measured_images: mean(|it| it.measured_images)?,
        })
    }
}

/// What a run, whose tasks were learnt one after the other, was tested on: after every epoch, if it was tested then, and at
/// the tasks' ends.
fn stability(run: &RunRecord) -> Option<Stability> {
    let mut stability = Stability::new();
    for (task, row) in run.accuracy.rows().iter().enumerate() {
        if task > 0 {
            stability.start_task();
        }
        let epochs = run.epochs.iter().filter(|epoch| epoch.task == task);
        for epoch in epochs.filter(|epoch| !epoch.accuracy.is_empty()) {
            stability.record(&epoch.accuracy).ok()?;
        }
        stability.record(&row[..=task]).ok()?;
    }
    Some(stability)
}

/// At the end of a run: mean accuracy on all tasks but the last, and accuracy on the last.
fn old_and_newest(run: &RunRecord) -> (Option<f64>, Option<f64>) {
    let all = at_end(run, &run.accuracy);
    match all.split_last() {
        None => (None, None),
        Some((newest, old)) => {
            let mean = Statistic::new(old).map(|statistic| statistic.mean);
            (mean, Some(*newest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Kept, Passes};
    use crate::fixture;
    use crate::metrics::AccuracyMatrix;

    /// A run of that many tasks with these accuracies at their ends, without other evaluations.
    fn run(rows: &[&[f64]]) -> RunRecord {
        let config = fixture::config(&[0.0], 1);
        let mut record = fixture::records(&config, rows.len()).remove(0);
        let rows = rows.iter().map(|row| row.to_vec()).collect();
        record.accuracy = AccuracyMatrix::new(rows).expect("in range");
        record
    }

    #[test]
    fn min_accuracy_is_the_lowest_of_each_earlier_task_at_the_ends_of_later_ones() {
        let run_of_three = run(&[&[0.25, 0.0, 0.0], &[0.5, 1.0, 0.0], &[0.75, 0.5, 1.0]]);
        let of_three = stability(&run_of_three).expect("it was tested");
        // The first task is at 0.5 and 0.75 after later ones, the second at 0.5.
        assert_eq!(of_three.min_accuracy(), Some(0.5));
        let expected = 1.0 / 3.0 + (1.0 - 1.0 / 3.0) * 0.5;
        assert_eq!(of_three.worst_case_accuracy(), Some(expected));
        let single = stability(&run(&[&[1.0]])).expect("it was tested");
        assert_eq!(single.min_accuracy(), None);
    }

    #[test]
    fn a_drop_within_a_task_lowers_min_accuracy_if_every_epoch_is_tested() {
        let mut run = run(&[&[1.0, 0.0], &[0.75, 1.0]]);
        let lowest = |run: &RunRecord| stability(run).and_then(|it| it.min_accuracy());
        assert_eq!(lowest(&run), Some(0.75));
        // Low in the task's own training, which does not count.
        run.epochs[0].accuracy = vec![0.125];
        assert_eq!(lowest(&run), Some(0.75));
        run.epochs[1].accuracy = vec![0.25, 0.5];
        assert_eq!(lowest(&run), Some(0.25));
    }

    #[test]
    fn costs_are_relative_to_plain_training() {
        let cost = Cost {
            num_parameters: 100,
            kept: Kept {
                floats: 200,
                bytes: 800,
            },
            passes: Passes {
                trained: 1000,
                forwards: 2500,
                backwards: 1500,
                measured: 300,
            },
        };
        let expected = MethodCost {
            floats_per_parameter: 2.0,
            bytes: 800.0,
            extra_forwards: 1.5,
            extra_backwards: 0.5,
            measured_images: 100.0,
        };
        assert_eq!(MethodCost::new(&cost, 3), expected);
    }
}
