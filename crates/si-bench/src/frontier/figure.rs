use crate::report::plot::chart::{Axis, Chart, Charts, Entry, Layer};
use crate::report::plot::panel::Point;
use crate::report::plot::style::LineStyle;

use super::envelope::staircase;
use super::{Frontier, Outcome};

/// What the figure shows.
pub(super) const CAPTION: &str = "The possibilities frontier of each network: the lower-left envelope of the errors on the \
    new task and on the old one, over all configurations and all epochs of the new task. Lower and further left is better";

const TITLE: &str = "Possibilities frontier";

/// The frontiers as the text of an SVG file.
pub fn figure(frontier: &Frontier) -> String {
    let networks = frontier.networks.iter().enumerate();
    let lines = networks.filter(|(_, network)| !network.frontier.is_empty());
    let lines: Vec<(LineStyle, String, Vec<Outcome>)> = lines
        .map(|(index, network)| {
            let in_per_cent = network.frontier.iter().map(in_per_cent);
            let style = LineStyle::nth(index);
            (style, network.kind.to_string(), in_per_cent.collect())
        })
        .collect();
    let all = || lines.iter().flat_map(|(.., outcomes)| outcomes);
    let x_ends = ends(all().map(|it| it.new_error));
    let y_ends = ends(all().map(|it| it.old_error));
    let mut layers = Vec::new();
    for (style, _, outcomes) in &lines {
        let corners = staircase(outcomes, (x_ends.1, y_ends.1));
        layers.push(Layer::Line(*style, corners));
        let points = outcomes.iter().map(|it| Point {
            x: it.new_error,
            y: it.old_error,
            error: None,
        });
        layers.push(Layer::Markers(*style, points.collect()));
    }
    let axis = |label: &str, ends| Axis {
        label: label.to_string(),
        ends,
    };
    let legend = lines
        .into_iter()
        .map(|(style, name, _)| Entry::Condition(style, name));
    Charts {
        title: TITLE.to_string(),
        description: CAPTION.to_string(),
        legend: legend.collect(),
        aspect: 0.7,
        charts: vec![Chart {
            title: TITLE.to_string(),
            x: axis("Test error on the new task, in %", x_ends),
            y: axis("Test error on the old task, in %", y_ends),
            layers,
        }],
    }
    .draw()
}

fn in_per_cent(outcome: &Outcome) -> Outcome {
    Outcome {
        new_error: 100.0 * outcome.new_error,
        old_error: 100.0 * outcome.old_error,
        ..*outcome
    }
}

/// The ends of an axis with room around `errors`.
fn ends(errors: impl Iterator<Item = f64>) -> (f64, f64) {
    let range = errors.fold(None, |range: Option<(f64, f64)>, error| {
        let (low, high) = range.unwrap_or((error, error));
        Some((low.min(error), high.max(error)))
    });
    let Some((low, high)) = range else {
        return (0.0, 100.0);
    };
    let room = 0.05 * (high - low).max(MIN_SPAN);
    (low - room, high + room)
}

/// The smallest range of an axis, so that equal errors still have one.
const MIN_SPAN: f64 = 1.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontier::testing;

    #[test]
    fn each_network_has_a_line_and_a_marker_for_each_point() {
        let frontier = testing::frontier();
        let svg = figure(&frontier);
        let document = roxmltree::Document::parse(&svg).expect("well-formed XML");
        let inside = |name: &str| {
            let nodes = document.descendants().filter(|it| it.has_tag_name(name));
            nodes
                .filter(|it| it.ancestors().any(|it| it.has_attribute("clip-path")))
                .count()
        };
        assert_eq!(inside("polyline"), frontier.networks.len());
        let num_points: usize = frontier.networks.iter().map(|it| it.frontier.len()).sum();
        assert_eq!(inside("path"), num_points);
        for network in &frontier.networks {
            assert!(svg.contains(&network.kind.to_string()), "{}", network.kind);
        }
    }

    #[test]
    fn networks_without_a_finite_run_are_left_out() {
        let mut frontier = testing::frontier();
        frontier.networks[0].frontier.clear();
        let svg = figure(&frontier);
        assert!(
            !svg.contains(">ReLU</text>") && svg.contains(">LWTA</text>"),
            "{svg}"
        );
        for network in &mut frontier.networks {
            network.frontier.clear();
        }
        let svg = figure(&frontier);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn axes_have_room_and_a_least_length() {
        assert_eq!(ends([].into_iter()), (0.0, 100.0));
        assert_eq!(ends([5.0].into_iter()), (4.95, 5.05));
        assert_eq!(ends([20.0, 0.0].into_iter()), (-1.0, 21.0));
    }
}
