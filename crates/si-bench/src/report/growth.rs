use super::plot::{
    chart::{Axis, Chart, Charts, Entry, Layer},
    panel::Point,
    style::LineStyle,
};

/// What consolidation costs in networks of several sizes.
pub struct Growth {
    /// Names of the learners that are compared with the one without consolidation.
    pub names: Vec<String>,
    /// For each network: its number of parameters, and for each learner, the time of a step relative to that without
    /// consolidation.
    pub points: Vec<(usize, Vec<f64>)>,
}

/// Its drawing, as the text of an SVG file.
pub fn growth_figure(growth: &Growth) -> String {
    let power = |num_parameters: usize| (num_parameters.max(1) as f64).log10();
    let powers = || growth.points.iter().map(|(number, _)| power(*number));
    let ratios = growth.points.iter().flat_map(|(_, ratios)| ratios);
    let most = ratios.copied().fold(1.0, f64::max);
    let ends = (
        powers().fold(f64::INFINITY, f64::min).min(8.0) - 0.2,
        powers().fold(f64::NEG_INFINITY, f64::max).max(1.0) + 0.2,
    );
    let plain = LineStyle::reference();
    let mut legend = vec![Entry::Line(plain, "without consolidation".to_string())];
    let mut layers = vec![Layer::Line(plain, vec![(ends.0, 1.0), (ends.1, 1.0)])];
    for (index, name) in growth.names.iter().enumerate() {
        let style = LineStyle::nth(index);
        let points = growth.points.iter();
        let points: Vec<(f64, f64)> = points
            .filter_map(|(number, ratios)| Some((power(*number), *ratios.get(index)?)))
            .collect();
        legend.push(Entry::Markers(style, name.clone()));
        layers.push(Layer::Line(style, points.clone()));
        let markers = points.into_iter().map(|(x, y)| Point { x, y, error: None });
        layers.push(Layer::Markers(style, markers.collect()));
    }
    Charts {
        title: "Cost of consolidation".to_string(),
        description:
            "Time of a training step with consolidation by that without, against the number of \
                      parameters"
                .to_string(),
        legend,
        aspect: 0.5,
        charts: vec![Chart {
            title: "A training step".to_string(),
            x: Axis {
                label: "parameters, as a power of ten".to_string(),
                ends,
            },
            y: Axis {
                label: "time by that without".to_string(),
                ends: (0.0, 1.2 * most),
            },
            layers,
        }],
    }
    .draw()
}
