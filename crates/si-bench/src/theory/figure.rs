use crate::report::plot::{
    chart::{Axis, Chart, Charts, Entry, Layer},
    panel::Point,
    style::LineStyle,
};

use super::{Case, Method, Quantity, Row, Theory};

/// What the figure shows.
pub(crate) const CAPTION: &str = "Simulated against predicted numbers, by the program, one marker \
    per parameter: on the line where a statement holds, and on the dotted one where the simulation \
    gives half of what is printed. Error bars, where they reach past the markers, are the standard \
    error of the mean";

/// A plot of simulated against predicted path integrals and importances, as the text of an SVG
/// file.
pub fn figure(theory: &Theory) -> String {
    let mut legend: Vec<Entry> = KINDS
        .iter()
        .enumerate()
        .map(|(index, kind)| Entry::Markers(LineStyle::nth(index), kind.name.to_string()))
        .collect();
    let [equal, half] = [LineStyle::reference(), LineStyle::reference().dotted()];
    legend.push(Entry::Line(equal, "as predicted".to_string()));
    legend.push(Entry::Line(half, "half of it".to_string()));
    Charts {
        title: "Section 4 against simulation".to_string(),
        description: CAPTION.to_string(),
        legend,
        aspect: 1.0,
        charts: vec![
            chart(theory, "Path integral ω", Quantity::PathIntegral),
            chart(theory, "Importance Ω", Quantity::Importance),
        ],
    }
    .draw()
}

/// A series of markers.
struct Kind {
    name: &'static str,
    case: Case,
    /// Whether it shows a printed statement that eq. 11 contradicts.
    is_superseded: bool,
}

const fn kind(name: &'static str, case: Case, is_superseded: bool) -> Kind {
    Kind {
        name,
        case,
        is_superseded,
    }
}

const KINDS: [Kind; 6] = [
    kind("any H (eq. 11)", Case::AnyHessian, false),
    kind("over starts (eq. 12)", Case::RandomStarts, false),
    kind("diagonal (eq. 13 with ½)", Case::DiagonalHessian, false),
    kind("rank one (eq. 14)", Case::RankOneHessian, false),
    kind("diagonal, as printed", Case::DiagonalHessian, true),
    kind("rank one, as printed", Case::RankOneHessian, true),
];

fn chart(theory: &Theory, title: &str, quantity: Quantity) -> Chart {
    let rows = |kind: &'static Kind| {
        theory.rows.iter().filter(move |row| {
            row.quantity == quantity
                && row.method == Method::Program
                && row.case == kind.case
                && theory.is_superseded(row) == kind.is_superseded
        })
    };
    let series: Vec<Vec<Point>> = KINDS
        .iter()
        .map(|kind| rows(kind).flat_map(points).collect())
        .collect();
    let end = SPARE * series.iter().flatten().map(extent).fold(0.0, f64::max);
    // A theory without rows still has axes.
    let end = if end > 0.0 { end } else { 1.0 };
    let through = |slope: f64| vec![(0.0, 0.0), (end, slope * end)];
    // So that a marker at zero is not cut off.
    let low = -0.05 * end;
    let mut layers = vec![
        Layer::Line(LineStyle::reference(), through(1.0)),
        Layer::Line(LineStyle::reference().dotted(), through(0.5)),
    ];
    for (index, points) in series.into_iter().enumerate() {
        layers.push(Layer::Markers(LineStyle::nth(index), points));
    }
    let axis = |label: &str| Axis {
        label: label.to_string(),
        ends: (low, end),
    };
    Chart {
        title: title.to_string(),
        x: axis("Predicted"),
        y: axis("Simulated"),
        layers,
    }
}

/// End of the axis relative to the largest number.
const SPARE: f64 = 1.08;

fn points(row: &Row) -> impl Iterator<Item = Point> {
    let pairs = row.predicted.iter().zip(&row.simulated).enumerate();
    pairs.map(|(index, (predicted, simulated))| Point {
        x: *predicted,
        y: *simulated,
        error: row.standard_error.as_ref().map(|errors| errors[index]),
    })
}

fn extent(point: &Point) -> f64 {
    point.x.max(point.y + point.error.unwrap_or(0.0))
}
