use crate::Error;
use crate::report::plot::{
    chart::{Axis, Chart, Charts, Entry, Layer, Side},
    panel::Point,
    style::LineStyle,
};

use super::SurrogateLoss;

/// What the figure shows.
pub(crate) const CAPTION: &str = "Loss of one task, and the surrogate loss after learning it, which \
    has the same drop, the same net motion and the same minimum; the parabola of the Hessian at the \
    minimum has only the last";

/// The paper's figure 2, as the text of an SVG file.
///
/// # Errors
///
/// Those of [`SurrogateLoss::losses`].
pub(super) fn draw(figure: &SurrogateLoss) -> Result<String, Error> {
    let (start, end) = (figure.start, figure.on_loss.end);
    let margin = 0.15 * (end - start).abs();
    let x = (start.min(end) - margin, start.max(end) + 5.0 * margin);
    let thetas: Vec<f64> = (0..=NUM_INTERVALS)
        .map(|index| x.0 + index as f64 / NUM_INTERVALS as f64 * (x.1 - x.0))
        .collect();
    let loss = SurrogateLoss::losses(&thetas)?;
    let through = |values: Vec<f64>| thetas.iter().copied().zip(values).collect::<Vec<_>>();
    let on = |parabola: &dyn Fn(f64) -> f64| {
        through(thetas.iter().map(|theta| parabola(*theta)).collect())
    };
    let [of_loss, of_surrogate, of_hessian] = styles();
    let curves = [
        (of_loss, "loss of the task", through(loss)),
        (
            of_surrogate,
            "surrogate loss",
            on(&|theta| figure.surrogate(theta)),
        ),
        (
            of_hessian,
            "parabola of the Hessian",
            on(&|theta| figure.hessian_parabola(theta)),
        ),
    ];
    let (low, drop) = (figure.on_loss.end_loss, figure.on_loss.drop);
    let y = (low - 0.2 * drop, low + 1.25 * drop);

    let mut legend = Vec::new();
    let mut layers = vec![
        // The drop and the motion: two sides of a rectangle between start and end.
        Layer::Line(guide(), vec![(start, low + drop), (start, low), (end, low)]),
    ];
    for (style, name, points) in curves {
        legend.push(Entry::Line(style, name.to_string()));
        layers.push(Layer::Line(style, points));
    }
    for (name, at, side) in [
        ("θ(0)", (start, low + drop), Side::Above),
        ("θ(T)", (end, low), Side::Below),
    ] {
        let point = Point {
            x: at.0,
            y: at.1,
            error: None,
        };
        layers.push(Layer::Markers(of_loss, vec![point]));
        layers.push(Layer::Note(at, side, name.to_string()));
    }
    for (name, at) in [
        ("drop of the loss", (start, low + 0.12 * drop)),
        ("net motion", (start, low)),
    ] {
        layers.push(Layer::Note(at, Side::Above, name.to_string()));
    }
    legend.push(Entry::Line(
        guide(),
        "shared by loss and surrogate".to_string(),
    ));
    let axis = |label: &str, ends| Axis {
        label: label.to_string(),
        ends,
    };
    Ok(Charts {
        title: "The surrogate loss of one task".to_string(),
        description: CAPTION.to_string(),
        legend,
        aspect: 0.6,
        charts: vec![Chart {
            title: "After learning one task".to_string(),
            x: axis("θ", x),
            y: axis("Loss", y),
            layers,
        }],
    }
    .draw())
}

const NUM_INTERVALS: usize = 240;

/// The paper's colours: black, green and purple.
fn styles() -> [LineStyle; 3] {
    [
        LineStyle::nth(6).solid(),
        LineStyle::nth(2).solid(),
        LineStyle::nth(3),
    ]
}

fn guide() -> LineStyle {
    LineStyle::reference().dotted()
}
