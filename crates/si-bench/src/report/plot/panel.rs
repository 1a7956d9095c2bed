use super::{
    scale::{Scale, Ticks},
    style::LineStyle,
    svg::{Svg, unit},
    text,
};

/// One set of axes, with its title and its lines.
pub(crate) struct Panel {
    /// What it shows, in bold.
    pub(crate) title: String,
    /// A note on the title: beside it, or below it if any panel is too narrow.
    pub(crate) note: String,
    /// The lines, from bottom to top.
    pub(crate) series: Vec<Series>,
}

/// One line with its markers and error bars.
pub(crate) struct Series {
    pub(crate) style: LineStyle,
    pub(crate) points: Vec<Point>,
}

/// A value and half the height of its error bar, if it has one.
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) error: Option<f64>,
}

/// The position of a panel's axes in the drawing.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// What the panels of a drawing share.
pub(super) struct Axes {
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
    pub(super) x_ticks: Ticks,
    pub(super) y_ticks: Ticks,
    pub(super) baseline: Option<f64>,
}

pub(super) const TITLE_SIZE: f64 = 26.0;
/// Distance from one line of text to the next.
pub(super) const LINE_HEIGHT: f64 = 31.0;
pub(super) const NOTE_SIZE: f64 = 24.0;
const TICK_SIZE: f64 = 24.0;
pub(super) const BASELINE_COLOR: &str = "#767676";
pub(super) const BASELINE_DASHES: &str = "2 7";
const TEXT_COLOR: &str = "#444444";
/// Free space inside the frame, so that a marker at the end of an axis is not cut off.
const INSET: f64 = 14.0;
/// Horizontal distance between two lines, so that equal values do not hide each other.
const SHIFT: f64 = 6.0;
/// Largest distance between the first and the last of many lines, so that none gets close to the
/// next mark.
const MAX_SHIFT: f64 = 14.0;

impl Panel {
    /// Whether title and note fit on one line of that width.
    pub(super) fn title_fits(&self, width: f64) -> bool {
        let title = text::width(&format!("{} ", self.title), TITLE_SIZE);
        title + text::width(&self.note, NOTE_SIZE) <= width
    }

    pub(super) fn draw(&self, svg: &mut Svg, frame: Frame, axes: &Axes, inline: bool, outer: bool) {
        svg.open("g", &[("class", &"panel")]);
        self.draw_title(svg, frame, inline);
        let x = Scale::new(axes.x, (frame.left, frame.left + frame.width));
        let bottom = frame.top + frame.height;
        let y = Scale::new(axes.y, (bottom - INSET, frame.top + INSET));
        draw_axes(svg, frame, axes, x, y, outer);

        let middle = (self.series.len() as f64 - 1.0) / 2.0;
        let step = SHIFT.min(MAX_SHIFT / (2.0 * middle).max(1.0));
        for (index, series) in self.series.iter().enumerate() {
            let shift = (index as f64 - middle) * step;
            series.draw(svg, |value| x.at(value) + shift, |value| y.at(value));
        }
        svg.close();
    }

    fn draw_title(&self, svg: &mut Svg, frame: Frame, inline: bool) {
        let baseline = frame.top - 12.0;
        let above = baseline - LINE_HEIGHT;
        if self.note.is_empty() {
            draw_line(svg, frame, baseline, &[(&self.title, BOLD)]);
        } else if inline {
            let parts = [(self.title.as_str(), BOLD), (self.note.as_str(), PLAIN)];
            draw_line(svg, frame, baseline, &parts);
        } else {
            draw_line(svg, frame, above, &[(&self.title, BOLD)]);
            draw_line(svg, frame, baseline, &[(&self.note, PLAIN)]);
        }
    }
}

/// Size and weight of a title and of its note.
pub(super) const BOLD: (f64, u32) = (TITLE_SIZE, 600);
const PLAIN: (f64, u32) = (NOTE_SIZE, 400);

/// One line of a title, in parts with a space between them.
pub(super) fn draw_line(svg: &mut Svg, frame: Frame, y: f64, parts: &[(&str, (f64, u32))]) {
    svg.open(
        "text",
        &[
            ("x", &unit(frame.left)),
            ("y", &unit(y)),
            ("font-size", &TITLE_SIZE),
        ],
    );
    for (part, (size, weight)) in parts {
        let part = text::fit(part, *size, frame.width);
        svg.text_element(
            "tspan",
            &[("font-size", size), ("font-weight", weight)],
            &part,
        );
    }
    svg.close();
}

impl Series {
    fn draw(&self, svg: &mut Svg, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) {
        let places: Vec<(f64, f64)> = self
            .points
            .iter()
            .map(|point| (x(point.x), y(point.y)))
            .collect();
        self.style.line(svg, &places);
        for place in places {
            self.style.marker(svg, place);
        }
        // On top, because the markers' rims would hide short bars.
        for point in &self.points {
            if let Some(error) = point.error.filter(|error| *error > 0.0) {
                self.style
                    .error_bar(svg, x(point.x), y(point.y - error), y(point.y + error));
            }
        }
    }
}

/// Grid, axes and their labels. The y axis has labels only at the outer edge.
pub(super) fn draw_axes(svg: &mut Svg, frame: Frame, axes: &Axes, x: Scale, y: Scale, outer: bool) {
    let (left, right) = (frame.left, frame.left + frame.width);
    let bottom = frame.top + frame.height;
    for (value, label) in axes.y_ticks.values.iter().zip(&axes.y_ticks.labels) {
        let at = y.at(*value);
        svg.line(
            (left, at),
            (right, at),
            &[("stroke", &"#e4e4e4"), ("stroke-width", &1.5)],
        );
        if outer {
            draw_label(svg, (left - 10.0, at + TICK_SIZE * 0.36), "end", label);
        }
    }
    for (value, label) in axes.x_ticks.values.iter().zip(&axes.x_ticks.labels) {
        let at = x.at(*value);
        svg.line(
            (at, bottom),
            (at, bottom + 6.0),
            &[("stroke", &"#888888"), ("stroke-width", &2)],
        );
        draw_label(svg, (at, bottom + TICK_SIZE + 8.0), "middle", label);
    }
    if let Some(baseline) = axes.baseline {
        let at = y.at(baseline);
        svg.line(
            (left, at),
            (right, at),
            &[
                ("stroke", &BASELINE_COLOR),
                ("stroke-width", &3),
                ("stroke-dasharray", &BASELINE_DASHES),
                ("stroke-linecap", &"round"),
            ],
        );
    }
    let corner = format!(
        "M{left} {top}V{bottom}H{right}",
        left = unit(left),
        top = unit(frame.top),
        bottom = unit(bottom),
        right = unit(right)
    );
    svg.element(
        "path",
        &[
            ("d", &corner),
            ("fill", &"none"),
            ("stroke", &"#888888"),
            ("stroke-width", &2),
        ],
    );
}

fn draw_label(svg: &mut Svg, (x, y): (f64, f64), anchor: &str, label: &str) {
    svg.text_element(
        "text",
        &[
            ("x", &unit(x)),
            ("y", &unit(y)),
            ("font-size", &TICK_SIZE),
            ("fill", &TEXT_COLOR),
            ("text-anchor", &anchor),
        ],
        label,
    );
}
