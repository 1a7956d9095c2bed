use super::{
    legend::Legend,
    panel::{Axes, Frame, LINE_HEIGHT, Panel, TITLE_SIZE},
    scale::Ticks,
    svg::{Svg, unit},
};

pub(crate) use super::legend::Entry;

/// Panels in rows of three that share both axes, below one legend.
pub(crate) struct Grid {
    /// What the drawing is, for readers who cannot see it.
    pub(crate) title: String,
    /// What it shows, for the same readers.
    pub(crate) description: String,
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    /// The x axes run from 1 to this number, in whole steps.
    pub(crate) x_last: usize,
    /// Ends of the y axes, which must differ.
    pub(crate) y: (f64, f64),
    /// A dashed line across all panels.
    pub(crate) baseline: Option<f64>,
    pub(crate) legend: Vec<Entry>,
    pub(crate) panels: Vec<Panel>,
}

/// Width of the drawing. At a width of 360 pixels, as on a phone, text of size 26 is still larger
/// than 10 pixels.
pub(crate) const WIDTH: f64 = 900.0;

const MAX_COLUMNS: usize = 3;
pub(super) const MARGIN: f64 = 16.0;
/// Space for the y axis: its title and tick labels.
pub(super) const LEFT: f64 = 104.0;
const COLUMN_GAP: f64 = 30.0;
pub(super) const X_TICKS_HEIGHT: f64 = 40.0;
pub(super) const X_LABEL_HEIGHT: f64 = 42.0;
/// Width that the label of a tick on the x axis takes up.
const X_TICK_WIDTH: f64 = 40.0;
const MAX_Y_TICKS: usize = 7;

impl Grid {
    /// The drawing as the text of an SVG file.
    pub(crate) fn draw(self) -> String {
        let columns = self.panels.len().clamp(1, MAX_COLUMNS);
        let rows = self.panels.len().div_ceil(columns);
        let gaps = (columns - 1) as f64 * COLUMN_GAP;
        let width = (WIDTH - LEFT - MARGIN - gaps) / columns as f64;
        let height = (width * 0.76).clamp(190.0, 380.0);
        let inline = self.panels.iter().all(|panel| panel.title_fits(width));
        let title_height = if inline { 48.0 } else { 48.0 + LINE_HEIGHT };
        let row_height = title_height + height + X_TICKS_HEIGHT;

        let legend = Legend::new(self.legend, WIDTH - LEFT - MARGIN);
        let top = MARGIN + legend.height();
        let bottom = top + rows as f64 * row_height;
        let total = bottom + X_LABEL_HEIGHT + MARGIN;

        let axes = Axes {
            x: (0.6, self.x_last.max(1) as f64 + 0.4),
            y: self.y,
            x_ticks: Ticks::whole(self.x_last, (width / X_TICK_WIDTH) as usize),
            y_ticks: Ticks::round(self.y.0, self.y.1, MAX_Y_TICKS),
            baseline: self.baseline,
        };
        let mut svg = Svg::new(WIDTH, total, &self.title, &self.description);
        svg.element(
            "rect",
            &[
                ("width", &"100%"),
                ("height", &"100%"),
                ("fill", &"#ffffff"),
            ],
        );
        svg.open("g", &[("fill", &"#1a1a1a")]);
        legend.draw(&mut svg, LEFT, MARGIN);
        for (index, panel) in self.panels.iter().enumerate() {
            let (row, column) = (index / columns, index % columns);
            let frame = Frame {
                left: LEFT + column as f64 * (width + COLUMN_GAP),
                top: top + row as f64 * row_height + title_height,
                width,
                height,
            };
            panel.draw(&mut svg, frame, &axes, inline, column == 0);
        }
        let center = LEFT + (WIDTH - LEFT - MARGIN) / 2.0;
        draw_label(
            &mut svg,
            (center, bottom + LINE_HEIGHT),
            None,
            &self.x_label,
        );
        let middle = (top + title_height + bottom - X_TICKS_HEIGHT) / 2.0;
        draw_label(
            &mut svg,
            (MARGIN + TITLE_SIZE * 0.8, middle),
            Some(-90),
            &self.y_label,
        );
        svg.finish()
    }
}

/// The label of an axis, centred at a point and turned by `angle` degrees if given.
pub(super) fn draw_label(svg: &mut Svg, (x, y): (f64, f64), angle: Option<i32>, label: &str) {
    let (x, y) = (unit(x), unit(y));
    let turn = angle
        .map(|angle| format!("rotate({angle} {x} {y})"))
        .unwrap_or_default();
    let turn = [("transform", &turn as &dyn std::fmt::Display)];
    let mut attributes: Vec<super::svg::Attribute> = vec![
        ("x", &x),
        ("y", &y),
        ("font-size", &TITLE_SIZE),
        ("text-anchor", &"middle"),
    ];
    if angle.is_some() {
        attributes.extend(turn);
    }
    svg.text_element("text", &attributes, label);
}
