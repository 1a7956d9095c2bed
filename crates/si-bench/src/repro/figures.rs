//! The paper's figures 4 to 6 from our runs, as the text of SVG files.

use crate::experiment::{ConditionSummary, Experiment, ExperimentConfig, Summary};
use crate::metrics::{LayerCorrelations, Statistic, Statistics};
use crate::report::plot::chart::{Axis, Chart, Charts, Entry, Layer};
use crate::report::plot::panel::Point;
use crate::report::plot::style::LineStyle;
use crate::report::{Curve, Reference};

/// Figure 4: average test accuracy over the tasks learnt so far, with the paper's curves if it has
/// any.
pub(super) fn figure4(config: &ExperimentConfig, summary: &Summary) -> String {
    let reference = Reference::of(Experiment::PermutedMnist);
    let is_papers = Reference::departures(config).is_empty();
    let mut layers = Vec::new();
    let mut legend = Vec::new();
    for (index, condition) in summary.conditions.iter().enumerate() {
        let style = LineStyle::nth(index);
        legend.push(Entry::Condition(style, condition.condition.label()));
        layers.extend(line(style, 1, all(&condition.average_accuracy)));
        let curve = reference.curve(&condition.condition).filter(|_| is_papers);
        let curve = curve
            .into_iter()
            .flat_map(|curve| curve.average_accuracy.iter().enumerate());
        let points: Vec<(f64, f64)> = curve.map(|(task, y)| ((task + 1) as f64, *y)).collect();
        if !points.is_empty() {
            layers.push(Layer::Line(LineStyle::reference(), points));
        }
    }
    if is_papers {
        legend.push(Entry::Line(
            LineStyle::reference(),
            "the paper's".to_string(),
        ));
    }
    Charts {
        title: "Permuted MNIST".to_string(),
        description: FIGURE_4.to_string(),
        legend,
        aspect: 0.5,
        charts: vec![Chart {
            title: String::new(),
            x: tasks_axis(config.num_tasks),
            y: axis("Average test accuracy", lowest(&layers), 1.0),
            layers,
        }],
    }
    .draw()
}

pub(super) const FIGURE_4: &str = "Test accuracy, averaged over the tasks learnt so far. Mean over \
    seeds; error bars are the standard error of the mean";

/// The matrices of figure 5: correlation between tasks for each layer, from the first run of each
/// condition that has recorded it. `None` if no run has.
pub(super) fn figure5(summary: &Summary) -> Option<String> {
    let mut charts = Vec::new();
    for condition in with_correlations(summary) {
        for layer in condition.correlations.first().into_iter().flatten() {
            let num_tasks = layer.matrix.len();
            let end = num_tasks as f64 + 0.5;
            charts.push(Chart {
                title: condition.condition.label(),
                x: axis(&format!("Task (layer {})", layer.layer), 0.5, end),
                y: axis(if charts.is_empty() { "Task" } else { "" }, 0.5, end),
                layers: vec![Layer::Cells(cells(layer))],
            });
        }
    }
    (!charts.is_empty()).then(|| {
        Charts {
            title: "Correlations between tasks".to_string(),
            description: FIGURE_5.to_string(),
            legend: vec![Entry::Heat("correlation, from 0 to 1".to_string())],
            aspect: 1.0,
            charts,
        }
        .draw()
    })
}

pub(super) const FIGURE_5: &str = "Correlation between two tasks' path integrals over the weights \
    of a hidden layer, at the first seed";

/// Figure 5 as one number for each number of tasks. `None` if no run has recorded it.
pub(super) fn figure5_growth(config: &ExperimentConfig, summary: &Summary) -> Option<String> {
    let conditions: Vec<&ConditionSummary> = with_correlations(summary).collect();
    let num_layers = conditions.first()?.correlations.first()?.len();
    let growth = |condition: &ConditionSummary, layer: usize| -> Vec<Statistic> {
        let after = |num_tasks: usize| {
            let runs = condition
                .correlations
                .iter()
                .filter_map(|run| run.get(layer));
            let means = runs.filter_map(|layer| layer.mean_between(num_tasks));
            Statistic::new(&means.collect::<Vec<_>>())
        };
        (2..=config.num_tasks).filter_map(after).collect()
    };
    let mut highest: f64 = 0.1;
    let mut lowest: f64 = 0.0;
    for condition in &conditions {
        for statistic in (0..num_layers).flat_map(|layer| growth(condition, layer)) {
            let error = statistic.sem.unwrap_or(0.0);
            highest = highest.max(statistic.mean + error);
            lowest = lowest.min(statistic.mean - error);
        }
    }
    let charts = (0..num_layers).map(|layer| Chart {
        title: format!("Layer {}", layer + 1),
        x: tasks_axis(config.num_tasks),
        y: axis(
            if layer == 0 { "Mean correlation" } else { "" },
            lowest * 1.05,
            highest * 1.05,
        ),
        layers: conditions
            .iter()
            .enumerate()
            .flat_map(|(index, condition)| line(LineStyle::nth(index), 2, growth(condition, layer)))
            .collect(),
    });
    Some(
        Charts {
            title: "Correlations between tasks, over the number of tasks".to_string(),
            description: FIGURE_5_GROWTH.to_string(),
            legend: conditions
                .iter()
                .enumerate()
                .map(|(index, condition)| {
                    Entry::Condition(LineStyle::nth(index), condition.condition.label())
                })
                .collect(),
            aspect: 0.7,
            charts: charts.collect(),
        }
        .draw(),
    )
}

pub(super) const FIGURE_5_GROWTH: &str = "Mean correlation between the path integrals of any two \
    of the tasks learnt so far. Mean over seeds; error bars are the standard error of the mean";

/// Figure 6: accuracy on each task at the end; for training from scratch, right after the task.
pub(super) fn figure6(config: &ExperimentConfig, summary: &Summary) -> String {
    let reference = Reference::of(Experiment::SplitCifar);
    let is_papers = Reference::departures(config).is_empty();
    let middle = 0.5 * (summary.conditions.len() as f64 - 1.0);
    // Side by side, so that none hides another.
    let place = |index: usize, task: usize| (task + 1) as f64 + 0.12 * (index as f64 - middle);
    let layers = |ours: fn(&ConditionSummary) -> &Statistics, papers: fn(&Curve) -> &Vec<f64>| {
        let mut layers = Vec::new();
        for (index, condition) in summary.conditions.iter().enumerate() {
            let points = all(ours(condition)).into_iter().enumerate();
            let points = points.map(|(task, value)| Point {
                x: place(index, task),
                y: value.mean,
                error: value.std,
            });
            layers.push(Layer::Markers(LineStyle::nth(index), points.collect()));
            let curve = reference.curve(&condition.condition).filter(|_| is_papers);
            let papers = curve
                .into_iter()
                .flat_map(|curve| papers(curve).iter().enumerate());
            // A dash through or beside our marker.
            layers.extend(papers.map(|(task, y)| {
                let x = place(index, task);
                Layer::Line(LineStyle::reference(), vec![(x - 0.06, *y), (x + 0.06, *y)])
            }));
        }
        layers
    };
    let test = layers(|one| &one.final_accuracy, |curve| &curve.final_accuracy);
    let train = layers(
        |one| &one.final_train_accuracy,
        |curve| &curve.final_train_accuracy,
    );
    let low = lowest(&test).min(lowest(&train));
    let chart = |title: &str, label: &str, layers| Chart {
        title: title.to_string(),
        x: axis("Task", 0.5, config.num_tasks as f64 + 0.5),
        y: axis(label, low, 1.0),
        layers,
    };
    let conditions = summary.conditions.iter().enumerate();
    let mut legend: Vec<Entry> = conditions
        .map(|(index, one)| Entry::Markers(LineStyle::nth(index), one.condition.label()))
        .collect();
    if is_papers {
        legend.push(Entry::Line(
            LineStyle::reference(),
            "the paper's".to_string(),
        ));
    }
    Charts {
        title: "Split CIFAR-10/CIFAR-100".to_string(),
        description: FIGURE_6.to_string(),
        legend,
        aspect: 0.7,
        charts: vec![
            chart("Test", "Accuracy", test),
            chart("Training", "", train),
        ],
    }
    .draw()
}

pub(super) const FIGURE_6: &str = "Accuracy on each task after the last one; from scratch, right \
    after the task itself. Mean over seeds; error bars are the standard deviation";

/// The paper's conditions in figure 5. Dropout is not among them.
fn with_correlations(summary: &Summary) -> impl Iterator<Item = &ConditionSummary> {
    let conditions = summary.conditions.iter();
    conditions.filter(|one| !one.correlations.is_empty() && one.condition.parts().dropout.is_none())
}

fn all(statistics: &Statistics) -> Vec<Statistic> {
    let each = 0..statistics.mean.len();
    each.filter_map(|index| statistics.get(index)).collect()
}

/// Line and markers, from the number of tasks `first` on.
fn line(style: LineStyle, first: usize, values: Vec<Statistic>) -> [Layer; 2] {
    let points: Vec<Point> = values
        .into_iter()
        .enumerate()
        .map(|(index, value)| Point {
            x: (first + index) as f64,
            y: value.mean,
            error: value.sem,
        })
        .collect();
    let places = points.iter().map(|point| (point.x, point.y)).collect();
    [Layer::Line(style, places), Layer::Markers(style, points)]
}

/// Negative correlations are shown as zero. Missing ones leave their cell empty.
fn cells(layer: &LayerCorrelations) -> Vec<(f64, f64, f64)> {
    let mut cells = Vec::new();
    for (row, correlations) in layer.matrix.iter().enumerate() {
        for (column, correlation) in correlations.iter().enumerate() {
            if let Some(correlation) = correlation {
                cells.push(((column + 1) as f64, (row + 1) as f64, correlation.max(0.0)));
            }
        }
    }
    cells
}

fn axis(label: &str, low: f64, high: f64) -> Axis {
    Axis {
        label: label.to_string(),
        ends: (low, high),
    }
}

fn tasks_axis(num_tasks: usize) -> Axis {
    axis("Number of tasks", 0.7, num_tasks as f64 + 0.3)
}

/// A little below every line and error bar, and at least a bit below 1.
fn lowest(layers: &[Layer]) -> f64 {
    let ends = layers.iter().flat_map(|layer| match layer {
        Layer::Markers(_, points) => points
            .iter()
            .map(|point| point.y - point.error.unwrap_or(0.0))
            .collect(),
        Layer::Line(_, places) => places.iter().map(|(_, y)| *y).collect(),
        _ => Vec::new(),
    });
    (ends.fold(0.9, f64::min) - 0.02).max(0.0)
}
