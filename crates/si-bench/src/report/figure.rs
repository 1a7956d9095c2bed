use crate::{
    experiment::ConditionSummary,
    metrics::{Statistic, Statistics},
};

use super::{
    Results,
    columns::Column,
    plot::{
        grid::{Entry, Grid},
        panel::{Panel, Point, Series},
        style::LineStyle,
    },
    rows, tasks,
};

/// What the figure shows.
pub(crate) const CAPTION: &str = "Test accuracy on each task, from its own training on, and \
    averaged over the tasks trained so far. Mean over seeds; error bars, where they reach past \
    the markers, are the standard error of the mean";

/// The paper's figure 3 from these results, as the text of an SVG file.
///
/// One panel per task and one for their average, over the number of tasks trained. One line per
/// condition, with error bars (SEM) if it has more than one seed. A dashed line shows chance.
pub fn figure(results: &[Results]) -> String {
    let columns = Column::all(results);
    let names = match results {
        [single] => tasks::task_names(&single.config),
        _ => rows::common_task_names(&columns),
    };
    let trained = columns
        .iter()
        .map(|column| column.condition.num_tasks())
        .max();
    let num_tasks = trained.unwrap_or(names.len());

    let task_panels = (0..num_tasks).map(|task| Panel {
        title: format!("Task {}", task + 1),
        note: names
            .get(task)
            .map(|name| format!("({name})"))
            .unwrap_or_default(),
        series: series(&columns, |condition| {
            condition.accuracy_from_own_task_on(task)
        }),
    });
    // With only one task, the average equals that task.
    let average = (num_tasks > 1).then(|| Panel {
        title: "Average".to_string(),
        note: String::new(),
        series: series(&columns, |condition| all(&condition.average_accuracy)),
    });
    let panels: Vec<Panel> = task_panels.chain(average).collect();
    let chance = chance(results);
    Grid {
        title: "Accuracy over a sequence of tasks".to_string(),
        description: CAPTION.to_string(),
        x_label: "Task number".to_string(),
        y_label: "Test accuracy".to_string(),
        x_last: num_tasks,
        y: (lowest(&panels, chance), 1.0),
        baseline: chance,
        legend: legend(&columns, chance),
        panels,
    }
    .draw()
}

/// One line per column. All lines end at the last task, so a line may start later than the others.
fn series(columns: &[Column], of: impl Fn(&ConditionSummary) -> Vec<Statistic>) -> Vec<Series> {
    let line = |(index, column): (usize, &Column)| {
        let values = of(column.condition);
        let before = column.condition.num_tasks() - values.len();
        let points = values.into_iter().enumerate().map(|(offset, value)| Point {
            x: (before + offset + 1) as f64,
            y: value.mean,
            error: value.sem,
        });
        Series {
            style: LineStyle::nth(index),
            points: points.collect(),
        }
    };
    columns.iter().enumerate().map(line).collect()
}

fn all(statistics: &Statistics) -> Vec<Statistic> {
    (0..statistics.mean.len())
        .filter_map(|index| statistics.get(index))
        .collect()
}

/// The lower end of the y axis: below every error bar and the line at chance.
fn lowest(panels: &[Panel], chance: Option<f64>) -> f64 {
    let points = panels
        .iter()
        .flat_map(|panel| &panel.series)
        .flat_map(|series| &series.points);
    let bars = points.map(|point| point.y - point.error.unwrap_or(0.0));
    bars.chain(chance).fold(1.0 - MIN_SPAN, f64::min).max(0.0)
}

/// The smallest range of the y axis, so that equal values still have an axis.
const MIN_SPAN: f64 = 0.05;

/// Accuracy of guessing, if it is the same for all results.
fn chance(results: &[Results]) -> Option<f64> {
    let mut levels = results.iter().map(|results| tasks::chance(&results.config));
    let first = levels.next()?;
    levels.all(|level| level == first).then_some(first)
}

fn legend(columns: &[Column], chance: Option<f64>) -> Vec<Entry> {
    let condition = |(index, column): (usize, &Column)| {
        let condition = column.condition.condition.label();
        let name = match column.run {
            Some(run) => format!("{}: {condition}", shorten(run)),
            None => condition,
        };
        Entry::Condition(LineStyle::nth(index), name)
    };
    let chance = chance.map(|chance| Entry::Baseline(format!("chance ({chance})")));
    columns
        .iter()
        .enumerate()
        .map(condition)
        .chain(chance)
        .collect()
}

/// The start and the end of a long name, because folder names differ there.
fn shorten(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= MAX_NAME {
        return name.to_string();
    }
    let (start, end) = (MAX_NAME / 2, characters.len() - (MAX_NAME / 2 - 1));
    characters[..start]
        .iter()
        .chain(&['…'])
        .chain(&characters[end..])
        .collect()
}

/// Characters of a run's name that fit into the legend, beside the condition's.
const MAX_NAME: usize = 26;

#[cfg(test)]
mod tests;
