use core::cmp::Reverse;

use si_core::checkpoint::Inspection;

use crate::report::plot::{
    chart::{Axis, Chart, Charts, Entry, Layer, Side},
    style::LineStyle,
};

use super::histogram::Histogram;

/// The distribution of importance in each parameter, as the text of an SVG file: a histogram of its logarithm for each
/// parameter. If there are many parameters, shows those with the most synapses.
pub fn figure(inspection: &Inspection) -> String {
    let histograms = inspection.parameters.iter().filter_map(Histogram::of);
    let histograms = largest(histograms.collect());
    let ends = histograms.iter().filter_map(Histogram::ends);
    let ends = ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
    let highest = histograms
        .iter()
        .map(Histogram::highest)
        .fold(0.0, f64::max);

    let styles = (0..).map(|index| LineStyle::nth(index).solid());
    let mut layers: Vec<Layer> = histograms
        .iter()
        .zip(styles.clone())
        .map(|(histogram, style)| Layer::Line(style, histogram.outline()))
        .collect();
    let (low, high) = ends.unwrap_or((-1.0, 1.0));
    if ends.is_none() {
        let nothing = "no synapse is important yet".to_string();
        layers.push(Layer::Note((low, 0.5 * EMPTY), Side::Above, nothing));
    }
    let legend = histograms.iter().zip(styles).map(|(histogram, style)| {
        let without = 100.0 * histogram.share_without;
        Entry::Line(style, format!("{} ({without:.0} % at 0)", histogram.path))
    });
    Charts {
        title: "Importance of synapses".to_string(),
        description: "How the importance of each parameter's synapses is spread over powers of ten"
            .to_string(),
        legend: legend.collect(),
        aspect: 0.56,
        charts: vec![Chart {
            title: format!("After {} tasks", inspection.task),
            x: Axis {
                label: "log₁₀ of the importance Ω".to_string(),
                ends: (low - MARGIN, high + MARGIN),
            },
            y: Axis {
                label: "Synapses (%)".to_string(),
                ends: (
                    0.0,
                    if highest > 0.0 {
                        SPARE * highest
                    } else {
                        EMPTY
                    },
                ),
            },
            layers,
        }],
    }
    .draw()
}

/// Largest number of lines that are easy to distinguish.
const MAX_LINES: usize = 10;
/// Powers of ten on either side.
const MARGIN: f64 = 0.25;
/// Height of the chart relative to its highest bin.
const SPARE: f64 = 1.08;
/// Height of an empty chart.
const EMPTY: f64 = 1.0;

/// Those with the most synapses, in the order in which they are.
fn largest(histograms: Vec<Histogram>) -> Vec<Histogram> {
    let mut sizes: Vec<(Reverse<usize>, usize)> = histograms
        .iter()
        .enumerate()
        .map(|(index, histogram)| (Reverse(histogram.num_synapses), index))
        .collect();
    sizes.sort_unstable();
    sizes.truncate(MAX_LINES);
    let is_shown = |index: usize| sizes.iter().any(|(_, shown)| *shown == index);
    let shown = histograms.into_iter().enumerate();
    shown
        .filter(|(index, _)| is_shown(*index))
        .map(|(_, histogram)| histogram)
        .collect()
}

#[cfg(test)]
mod tests {
    use burn::module::Module;

    use super::*;
    use crate::experiment::Optimizer;
    use crate::inspect::testing::trained;

    fn inspection(num_steps: usize) -> Inspection {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.bpk");
        let learner = trained(&mut Optimizer::Adam.init(0.0), num_steps);
        learner.save_file(&path).expect("it can be saved");
        Inspection::read(&path).expect("it is read")
    }

    #[test]
    fn every_parameter_has_a_line_and_a_name() {
        let svg = figure(&inspection(9));
        let document = roxmltree::Document::parse(&svg).expect("well-formed XML");
        // Those of the legend are outside the frame.
        let is_framed = |node: &roxmltree::Node| {
            let mut ancestors = node.ancestors();
            ancestors.any(|ancestor| ancestor.has_attribute("clip-path"))
        };
        let is_line = |node: &roxmltree::Node| node.has_tag_name("polyline") && is_framed(node);
        assert_eq!(document.descendants().filter(is_line).count(), 4);
        for path in ["first.weight", "first.bias", "second.weight", "second.bias"] {
            assert!(svg.contains(path), "{path}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn shares_of_a_parameter_add_up_to_one() {
        for parameter in &inspection(9).parameters {
            let histogram = Histogram::of(parameter).expect("a task has ended");
            // Each bin has two corners at its height.
            let outline = histogram.outline();
            let shares = outline.iter().map(|(_, percent)| percent / 200.0);
            let sum = shares.sum::<f64>() + histogram.share_without;
            assert!((sum - 1.0).abs() < ROUNDING, "{}: {sum}", histogram.path);
        }
    }

    /// Sums of a few shares in double precision.
    const ROUNDING: f64 = 1e-9;

    #[test]
    fn a_learner_without_importance_is_drawn_too() {
        let svg = figure(&inspection(0));
        assert!(svg.contains("no synapse is important yet"), "{svg}");
        roxmltree::Document::parse(&svg).expect("well-formed XML");
    }
}
