use super::{
    field::{Field, Outline},
    grid::{LEFT, MARGIN, WIDTH, X_LABEL_HEIGHT, X_TICKS_HEIGHT, draw_label},
    legend::Legend,
    names::draw_names,
    panel::{Axes, BOLD, Frame, LINE_HEIGHT, NOTE_SIZE, Point, TITLE_SIZE, draw_axes, draw_line},
    scale::{Scale, Ticks},
    style::{LineStyle, heat, shade},
    svg::{Svg, unit},
};

pub(crate) use super::legend::Entry;

/// Charts side by side, each with separate axes, below one legend.
pub(crate) struct Charts {
    /// What the drawing is, for readers who cannot see it.
    pub(crate) title: String,
    /// What it shows, for the same readers.
    pub(crate) description: String,
    pub(crate) legend: Vec<Entry>,
    /// Height of every chart's frame relative to its width.
    pub(crate) aspect: f64,
    pub(crate) charts: Vec<Chart>,
}

/// One set of axes and its content.
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) x: Axis,
    /// Without a label if it is the same axis as in the chart to the left.
    pub(crate) y: Axis,
    /// From bottom to top.
    pub(crate) layers: Vec<Layer>,
}

/// The label of an axis and its two ends, which must differ.
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) ends: (f64, f64),
}

/// A part of a chart, in the units of its axes. Everything beyond their ends is cut off.
pub(crate) enum Layer {
    /// A field, which gets darker above each of the ascending levels.
    Shades(Field, Vec<f64>),
    /// A line through points.
    Line(LineStyle, Vec<(f64, f64)>),
    /// Markers at points, with their error bars.
    Markers(LineStyle, Vec<Point>),
    /// Squares of one unit, given by their centres. The closer the third number is to 1, the darker
    /// the square.
    Cells(Vec<(f64, f64, f64)>),
    /// The names of points. Each is beside its point, or moved away from it and joined to it by a thin line.
    Names(Vec<((f64, f64), String)>),
    /// Text that starts a little to the right of a point.
    Note((f64, f64), Side, String),
}

/// The side of its point on which a note is.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Above,
    Below,
}

const GAP: f64 = 26.0;
const TITLE_HEIGHT: f64 = 48.0;
/// Width that a tick on the x axis takes up.
const X_TICK_WIDTH: f64 = 80.0;
/// Height that a tick on the y axis takes up.
const Y_TICK_HEIGHT: f64 = 45.0;

impl Charts {
    /// The drawing as the text of an SVG file.
    pub(crate) fn draw(self) -> String {
        let room = |chart: &Chart| if chart.y.label.is_empty() { GAP } else { LEFT };
        let num_charts = self.charts.len().max(1);
        let rooms: f64 = self.charts.iter().map(room).sum();
        let width = (WIDTH - rooms - MARGIN * num_charts as f64) / num_charts as f64;
        let height = width * self.aspect;

        let legend = Legend::new(self.legend, WIDTH - LEFT - MARGIN);
        let top = MARGIN + legend.height() + TITLE_HEIGHT;
        let total = top + height + X_TICKS_HEIGHT + X_LABEL_HEIGHT + MARGIN;
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
        let mut left = 0.0;
        for (index, chart) in self.charts.iter().enumerate() {
            left += room(chart);
            let frame = Frame {
                left,
                top,
                width,
                height,
            };
            chart.draw(&mut svg, frame, &format!("frame-{index}"));
            left += width + MARGIN;
        }
        svg.finish()
    }
}

impl Chart {
    fn draw(&self, svg: &mut Svg, frame: Frame, frame_id: &str) {
        svg.open("g", &[("class", &"chart")]);
        let (right, bottom) = (frame.left + frame.width, frame.top + frame.height);
        let x = Scale::new(self.x.ends, (frame.left, right));
        let y = Scale::new(self.y.ends, (bottom, frame.top));
        draw_line(svg, frame, frame.top - 12.0, &[(&self.title, BOLD)]);
        let is_outer = !self.y.label.is_empty();
        draw_axes(svg, frame, &self.axes(frame), x, y, is_outer);
        draw_clip(svg, frame, frame_id);
        svg.open("g", &[("clip-path", &format!("url(#{frame_id})"))]);
        for layer in &self.layers {
            layer.draw(svg, frame, |(across, up)| (x.beyond(across), y.beyond(up)));
        }
        svg.close();

        let center = (
            frame.left + frame.width / 2.0,
            bottom + X_TICKS_HEIGHT + LINE_HEIGHT,
        );
        draw_label(svg, center, None, &self.x.label);
        if is_outer {
            let middle = frame.top + frame.height / 2.0;
            let place = (frame.left - LEFT + TITLE_SIZE * 0.8, middle);
            draw_label(svg, place, Some(-90), &self.y.label);
        }
        svg.close();
    }

    fn axes(&self, frame: Frame) -> Axes {
        let ticks = |ends: (f64, f64), length: f64, each: f64| {
            Ticks::round(ends.0, ends.1, (length / each) as usize)
        };
        Axes {
            x: self.x.ends,
            y: self.y.ends,
            x_ticks: ticks(self.x.ends, frame.width, X_TICK_WIDTH),
            y_ticks: ticks(self.y.ends, frame.height, Y_TICK_HEIGHT),
            baseline: None,
        }
    }
}

/// The inside of the frame, at which the layers are cut off.
fn draw_clip(svg: &mut Svg, frame: Frame, id: &str) {
    svg.open("clipPath", &[("id", &id)]);
    svg.element(
        "rect",
        &[
            ("x", &unit(frame.left)),
            ("y", &unit(frame.top)),
            ("width", &unit(frame.width)),
            ("height", &unit(frame.height)),
        ],
    );
    svg.close();
}

impl Layer {
    fn draw(&self, svg: &mut Svg, frame: Frame, place: impl Fn((f64, f64)) -> (f64, f64)) {
        match self {
            Layer::Shades(field, levels) => {
                let whole = field.outlines(f64::MIN);
                fill(svg, &whole, &shade(0.0), &place);
                for (index, level) in levels.iter().enumerate() {
                    let share = (index + 1) as f64 / levels.len() as f64;
                    fill(svg, &field.outlines(*level), &shade(share), &place);
                }
            }
            Layer::Cells(cells) => {
                for (x, y, share) in cells {
                    let (left, top) = place((x - 0.5, y + 0.5));
                    let (right, bottom) = place((x + 0.5, y - 0.5));
                    svg.element(
                        "rect",
                        &[
                            ("x", &unit(left)),
                            ("y", &unit(top)),
                            ("width", &unit(right - left)),
                            ("height", &unit(bottom - top)),
                            ("fill", &heat(*share)),
                        ],
                    );
                }
            }
            Layer::Line(style, points) => {
                let points: Vec<(f64, f64)> = points.iter().copied().map(place).collect();
                style.line(svg, &points);
            }
            Layer::Markers(style, points) => {
                for point in points {
                    let (x, y) = place((point.x, point.y));
                    style.marker(svg, (x, y));
                    if let Some(error) = point.error {
                        let end = |sign: f64| place((point.x, point.y + sign * error)).1;
                        style.error_bar(svg, x, end(-1.0), end(1.0));
                    }
                }
            }
            Layer::Names(names) => {
                let names = names
                    .iter()
                    .map(|(point, name)| (place(*point), name.as_str()));
                draw_names(svg, frame, &names.collect::<Vec<_>>());
            }
            Layer::Note(at, side, text) => {
                let (x, y) = place(*at);
                let down = match side {
                    Side::Above => -0.4,
                    Side::Below => 1.1,
                };
                svg.text_element(
                    "text",
                    &[
                        ("x", &unit(x + NOTE_SIZE * 0.5)),
                        ("y", &unit(y + NOTE_SIZE * down)),
                        ("font-size", &NOTE_SIZE),
                        ("paint-order", &"stroke"),
                        ("stroke", &"#ffffff"),
                        ("stroke-width", &6),
                        ("stroke-linejoin", &"round"),
                    ],
                    text,
                );
            }
        }
    }
}

/// Fills the area inside the outlines, except holes, with a thin white rim.
fn fill(
    svg: &mut Svg,
    outlines: &[Outline],
    color: &str,
    place: impl Fn((f64, f64)) -> (f64, f64),
) {
    if outlines.is_empty() {
        return;
    }
    let path: String = outlines
        .iter()
        .map(|outline| {
            let points: Vec<String> = outline
                .iter()
                .map(|point| {
                    let (x, y) = place(*point);
                    format!("{} {}", unit(x), unit(y))
                })
                .collect();
            format!("M{}Z", points.join("L"))
        })
        .collect();
    svg.element(
        "path",
        &[
            ("d", &path),
            ("fill", &color),
            ("fill-rule", &"evenodd"),
            ("stroke", &"#ffffff"),
            ("stroke-width", &1),
        ],
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(label: &str) -> Axis {
        Axis {
            label: label.to_string(),
            ends: (-1.0, 1.0),
        }
    }

    #[test]
    fn every_layer_is_drawn_inside_its_chart() {
        let nodes = Field::nodes((-1.0, 1.0), (-1.0, 1.0), 9);
        let values = nodes.iter().map(|[x, y]| x * x + y * y).collect();
        let field = Field::new((-1.0, 1.0), (-1.0, 1.0), 9, values);
        let point = Point {
            x: 0.5,
            y: 0.5,
            error: Some(0.3),
        };
        let layers = vec![
            Layer::Shades(field, vec![0.5, 1.0]),
            Layer::Line(LineStyle::reference(), vec![(-3.0, -3.0), (3.0, 3.0)]),
            Layer::Markers(LineStyle::nth(0), vec![point]),
            Layer::Note((0.0, 0.0), Side::Above, "θ(t₁) < 0".to_string()),
        ];
        let chart = |label: &str, layers| Chart {
            title: "Loss".to_string(),
            x: axis("θ₁"),
            y: axis(label),
            layers,
        };
        let svg = Charts {
            title: "Title".to_string(),
            description: "Description".to_string(),
            legend: vec![Entry::Shades("loss".to_string())],
            aspect: 1.0,
            charts: vec![chart("θ₂", layers), chart("", Vec::new())],
        }
        .draw();

        let document = roxmltree::Document::parse(&svg).expect("well-formed XML");
        let clipped = |name: &str| {
            document
                .descendants()
                .filter(|node| {
                    node.has_tag_name(name)
                        && node
                            .ancestors()
                            .any(|ancestor| ancestor.has_attribute("clip-path"))
                })
                .count()
        };
        assert_eq!(
            (clipped("polyline"), clipped("text")),
            (1, 1),
            "one line and one note"
        );
        // Three shades, a marker and its error bar.
        assert_eq!(clipped("path"), 5);
        assert!(svg.contains("θ(t₁) &lt; 0") && !svg.contains("NaN"));
        assert_eq!(svg.matches(">θ₂</text>").count(), 1);
    }
}
