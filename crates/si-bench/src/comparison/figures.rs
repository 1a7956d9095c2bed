use crate::metrics::Statistic;
use crate::report::plot::chart::{self, Axis, Chart, Charts, Layer};
use crate::report::plot::grid::{Entry, Grid};
use crate::report::plot::panel::{Panel, Point, Series};
use crate::report::plot::style::LineStyle;

use super::{ComparedMethod, Comparison};

/// A figure of a comparison.
pub(super) struct Figure {
    /// Its file, without the extension.
    pub(super) name: &'static str,
    pub(super) caption: &'static str,
    /// Draws it, as the text of an SVG file.
    pub(super) draw: fn(&Comparison) -> String,
}

/// Every figure.
pub(super) const FIGURES: [Figure; 3] = [
    Figure {
        name: "accuracy",
        caption: "Test accuracy, averaged over the tasks trained so far. Mean over seeds; error bars are the standard \
            error of the mean",
        draw: accuracy,
    },
    Figure {
        name: "stability",
        caption: "What stability costs in plasticity: after the last task, mean accuracy on all tasks before it, against \
            accuracy on it. Error bars are the standard error of the mean",
        draw: stability,
    },
    Figure {
        name: "memory",
        caption: "Average accuracy after the last task, against the bytes that a method keeps beside the network. A method \
            that keeps nothing is at the left end. Error bars are the standard error of the mean",
        draw: memory,
    },
];

fn accuracy(comparison: &Comparison) -> String {
    let line = |(index, method): (usize, &ComparedMethod)| {
        let averages = &method.average_accuracies;
        let values = (0..averages.mean.len()).filter_map(|task| averages.get(task));
        let points = values.enumerate().map(|(task, value)| Point {
            x: (task + 1) as f64,
            y: value.mean,
            error: value.sem,
        });
        Series {
            style: LineStyle::nth(index),
            points: points.collect(),
        }
    };
    let series: Vec<Series> = comparison.methods.iter().enumerate().map(line).collect();
    let points = series.iter().flat_map(|series| &series.points);
    let lowest = points.map(|point| point.y - point.error.unwrap_or(0.0));
    let lowest = lowest.fold(1.0 - MIN_SPAN, f64::min).max(0.0);
    let entry = |(index, method): (usize, &ComparedMethod)| {
        Entry::Condition(LineStyle::nth(index), method.label.clone())
    };
    Grid {
        title: "Average accuracy over the tasks".to_string(),
        description: FIGURES[0].caption.to_string(),
        x_label: "Task number".to_string(),
        y_label: "Average test accuracy".to_string(),
        x_last: comparison.config.num_tasks,
        y: (lowest, 1.0),
        baseline: None,
        legend: comparison.methods.iter().enumerate().map(entry).collect(),
        panels: vec![Panel {
            title: "Average over the tasks so far".to_string(),
            note: String::new(),
            series,
        }],
    }
    .draw()
}

fn stability(comparison: &Comparison) -> String {
    let place = |method: &ComparedMethod| Some((method.newest_accuracy.mean, method.old_accuracy?));
    Scatter {
        title: "Stability against plasticity",
        description: FIGURES[1].caption,
        x_label: "accuracy on the newest task",
        y_label: "Accuracy on old tasks",
        place: &place,
    }
    .draw(comparison)
}

fn memory(comparison: &Comparison) -> String {
    let powers = comparison.methods.iter().filter_map(power_of_bytes);
    let nothing = powers.fold(f64::INFINITY, f64::min) - 1.0;
    let nothing = if nothing.is_finite() { nothing } else { 0.0 };
    let place = |method: &ComparedMethod| {
        method.cost?;
        let power = power_of_bytes(method).unwrap_or(nothing);
        Some((power, method.average_accuracy))
    };
    Scatter {
        title: "Accuracy against memory",
        description: FIGURES[2].caption,
        x_label: "bytes kept, as a power of ten (left end: nothing)",
        y_label: "Average test accuracy",
        place: &place,
    }
    .draw(comparison)
}

/// The logarithm of the bytes that a method keeps. `None` if it keeps nothing, or if that was not recorded.
fn power_of_bytes(method: &ComparedMethod) -> Option<f64> {
    let bytes = method.cost?.bytes;
    (bytes > 0.0).then(|| bytes.log10())
}

/// A point for each method.
struct Scatter<'a> {
    title: &'static str,
    description: &'static str,
    x_label: &'static str,
    y_label: &'static str,
    /// Where a method is. `None` if it has no place.
    place: &'a dyn Fn(&ComparedMethod) -> Option<(f64, Statistic)>,
}

impl Scatter<'_> {
    fn draw(&self, comparison: &Comparison) -> String {
        let (mut legend, mut layers, mut names) = (Vec::new(), Vec::new(), Vec::new());
        let (mut across, mut up) = (Vec::new(), Vec::new());
        for (index, method) in comparison.methods.iter().enumerate() {
            let Some((x, y)) = (self.place)(method) else {
                continue;
            };
            let style = LineStyle::nth(index);
            let point = Point {
                x,
                y: y.mean,
                error: y.sem,
            };
            let half = y.sem.unwrap_or(0.0);
            across.push(x);
            up.extend([y.mean - half, y.mean + half]);
            legend.push(chart::Entry::Markers(style, method.label.clone()));
            layers.push(Layer::Markers(style, vec![point]));
            names.push(((x, y.mean), method.condition.name.clone()));
        }
        layers.push(Layer::Names(names));
        Charts {
            title: self.title.to_string(),
            description: self.description.to_string(),
            legend,
            aspect: 0.7,
            charts: vec![Chart {
                title: self.title.to_string(),
                x: Axis {
                    label: self.x_label.to_string(),
                    ends: ends(&across),
                },
                y: Axis {
                    label: self.y_label.to_string(),
                    ends: ends(&up),
                },
                layers,
            }],
        }
        .draw()
    }
}

/// The ends of an axis with room around `values`.
fn ends(values: &[f64]) -> (f64, f64) {
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if lowest > highest {
        return (0.0, 1.0);
    }
    let room = 0.08 * (highest - lowest).max(MIN_SPAN);
    (lowest - room, highest + room)
}

/// The smallest range of an axis, so that equal values still have one.
const MIN_SPAN: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::testing;

    #[test]
    fn every_figure_names_each_method_and_draws_only_numbers() {
        let comparison = testing::comparison();
        for figure in FIGURES {
            let svg = (figure.draw)(&comparison);
            roxmltree::Document::parse(&svg).expect("well-formed XML");
            for method in &comparison.methods {
                assert!(
                    svg.contains(&method.label),
                    "{}: {}",
                    figure.name,
                    method.label
                );
            }
            assert!(
                !svg.contains("NaN") && !svg.contains("inf"),
                "{}",
                figure.name
            );
        }
    }

    #[test]
    fn points_have_their_names_beside_them_where_there_is_room() {
        let svg = stability(&testing::comparison());
        assert!(svg.contains(">si</text>"), "{svg}");
    }

    #[test]
    fn figures_can_be_drawn_without_memory_costs_and_old_tasks() {
        let mut comparison = testing::comparison();
        for method in &mut comparison.methods {
            method.cost = None;
            method.old_accuracy = None;
        }
        for figure in FIGURES {
            let svg = (figure.draw)(&comparison);
            assert!(
                !svg.contains("NaN") && !svg.contains("inf"),
                "{}",
                figure.name
            );
        }
        for method in &mut comparison.methods {
            method.cost = testing::comparison().methods[0].cost;
        }
        assert!(!memory(&comparison).contains("NaN"));
    }

    #[test]
    fn axes_have_room_and_a_least_length() {
        assert_eq!(ends(&[]), (0.0, 1.0));
        let (low, high) = ends(&[0.5]);
        assert!(low < 0.5 && high > 0.5);
        let (low, high) = ends(&[0.0, 1.0]);
        assert!((low + 0.08).abs() < 1e-12 && (high - 1.08).abs() < 1e-12);
    }
}
