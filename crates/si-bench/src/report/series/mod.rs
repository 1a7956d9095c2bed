//! The measurements of a run, epoch by epoch, for other programs.

mod csv;
mod event_file;
mod files;
mod json_lines;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::experiment::{Experiment, RunRecord, averages, begins_afresh};
use crate::methods::Regime;
use crate::metrics::Statistic;

pub use csv::csv;
pub use event_file::event_file;
pub use files::{SeriesFormat, write_series};
pub use json_lines::json_lines;

/// The measurements of one run, in the order of training.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The label of the run's folder among several, or empty for a single folder.
    pub run: String,
    /// The experiment.
    pub experiment: Experiment,
    /// Name of the condition.
    pub condition: String,
    /// The parameter of its method that tables and figures always show: that of a penalty or a comparison, or the size of
    /// a memory. 0 if there is none.
    pub strength: f64,
    /// Seed of the run.
    pub seed: u64,
    /// One point before training, then one for each epoch.
    pub points: Vec<Point>,
}

/// The measurements at one time of a run. Tasks and epochs count from 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Point {
    /// Number of epochs trained so far, over all tasks.
    pub step: usize,
    /// The task that was trained; `None` before training.
    pub task: Option<usize>,
    /// The epoch within the task; `None` before training.
    pub epoch: Option<usize>,
    /// Mean task loss of the epoch, in nats; `None` if it was not finite.
    pub task_loss: Option<f64>,
    /// Mean penalty of the epoch, in nats; `None` if it was not measured or not finite.
    pub penalty: Option<f64>,
    /// Share of the penalty in the sum of both.
    pub penalty_share: Option<f64>,
    /// Test accuracy on each task, before training and after a task's last epoch. After other epochs, that on each task
    /// that was learnt so far if the run was tested then, otherwise empty.
    pub accuracy: Vec<f64>,
    /// Its mean over the tasks trained so far. If each task has a new network, it is that of the networks, each on its own
    /// task, and only after a task's last epoch.
    pub average_accuracy: Option<f64>,
    /// Training accuracy on each task. Only after a task's last epoch; otherwise empty.
    pub train_accuracy: Vec<f64>,
    /// Its mean over the tasks trained so far.
    pub train_average_accuracy: Option<f64>,
}

impl Series {
    /// The series of `record`, a run of `experiment`. `run` is the label of its folder among several.
    pub fn new(run: impl Into<String>, experiment: Experiment, record: &RunRecord) -> Self {
        Self {
            run: run.into(),
            experiment,
            condition: record.condition.name.clone(),
            strength: record.condition.strength().unwrap_or(0.0),
            seed: record.seed,
            points: points(record),
        }
    }
}

fn points(record: &RunRecord) -> Vec<Point> {
    let mut points = vec![Point {
        accuracy: record.initial_accuracy.clone(),
        ..Point::default()
    }];
    let is_joint = record.condition.parts().regime() == Regime::Jointly;
    let last_task = record.accuracy.num_tasks() - 1;
    let average = averages(record, &record.accuracy);
    let train_average = averages(record, &record.train_accuracy);
    for (index, epoch) in record.epochs.iter().enumerate() {
        // Some sums give −0. Adding zero turns it into 0.
        let number = |number: Option<f64>| number.map(|number| number + 0.0);
        let mut point = Point {
            step: index + 1,
            task: Some(epoch.task + 1),
            epoch: Some(epoch.epoch + 1),
            task_loss: number(epoch.task_loss),
            penalty: number(epoch.penalty),
            penalty_share: number(epoch.penalty_share),
            ..Point::default()
        };
        let next = record.epochs.get(index + 1);
        if next.is_none_or(|next| next.task != epoch.task) {
            // Joint training learns all tasks as if they were one, and is evaluated after it.
            let after = if is_joint { last_task } else { epoch.task };
            let row = |rows: &[Vec<f64>]| rows.get(after).cloned().unwrap_or_default();
            point.accuracy = row(record.accuracy.rows());
            point.average_accuracy = average.get(after).copied();
            point.train_accuracy = row(record.train_accuracy.rows());
            point.train_average_accuracy = train_average.get(after).copied();
        } else {
            point.accuracy.clone_from(&epoch.accuracy);
            let mean = Statistic::new(&epoch.accuracy).map(|it| it.mean);
            point.average_accuracy = mean.filter(|_| !begins_afresh(record));
        }
        points.push(point);
    }
    points
}
