use super::{
    panel::{BASELINE_COLOR, BASELINE_DASHES},
    style::{LineStyle, heat, shade},
    svg::{Svg, unit},
    text,
};

/// The legend's entry for one kind of line.
pub(crate) enum Entry {
    /// A condition, by its name.
    Condition(LineStyle, String),
    /// The dashed line across the panels.
    Baseline(String),
    /// A line without markers.
    Line(LineStyle, String),
    /// Markers without a line.
    Markers(LineStyle, String),
    /// The shades of a field.
    Shades(String),
    /// The shades of cells.
    Heat(String),
}

/// Entries one after another, in as many rows as they need.
pub(super) struct Legend {
    rows: Vec<Vec<(Entry, String)>>,
}

const SIZE: f64 = 26.0;
const ROW_HEIGHT: f64 = 38.0;
const SAMPLE_WIDTH: f64 = 62.0;
const GAP: f64 = 34.0;

impl Legend {
    /// Arranges `entries` within `width`. Shortens entries that are wider than that.
    pub(super) fn new(entries: Vec<Entry>, width: f64) -> Self {
        let mut rows: Vec<Vec<(Entry, String)>> = Vec::new();
        let mut used = f64::INFINITY;
        for entry in entries {
            let name = text::fit(entry.name(), SIZE, width - SAMPLE_WIDTH);
            let needed = advance(&name);
            if used + needed > width + GAP {
                rows.push(Vec::new());
                used = 0.0;
            }
            used += needed;
            if let Some(row) = rows.last_mut() {
                row.push((entry, name));
            }
        }
        Self { rows }
    }

    pub(super) fn height(&self) -> f64 {
        self.rows.len() as f64 * ROW_HEIGHT
    }

    pub(super) fn draw(&self, svg: &mut Svg, left: f64, top: f64) {
        svg.open("g", &[("class", &"legend")]);
        for (row, entries) in self.rows.iter().enumerate() {
            let middle = top + (row as f64 + 0.5) * ROW_HEIGHT;
            let mut x = left;
            for (entry, name) in entries {
                draw_sample(svg, entry, x, middle);
                svg.text_element(
                    "text",
                    &[
                        ("x", &unit(x + SAMPLE_WIDTH)),
                        ("y", &unit(middle + SIZE * 0.36)),
                        ("font-size", &SIZE),
                    ],
                    name,
                );
                x += advance(name);
            }
        }
        svg.close();
    }
}

impl Entry {
    fn name(&self) -> &str {
        match self {
            Entry::Condition(_, name)
            | Entry::Line(_, name)
            | Entry::Markers(_, name)
            | Entry::Baseline(name)
            | Entry::Shades(name)
            | Entry::Heat(name) => name,
        }
    }
}

fn advance(name: &str) -> f64 {
    SAMPLE_WIDTH + text::width(name, SIZE) + GAP
}

fn draw_sample(svg: &mut Svg, entry: &Entry, left: f64, y: f64) {
    let right = left + SAMPLE_WIDTH - 12.0;
    match entry {
        Entry::Condition(style, _) => {
            style.line(svg, &[(left, y), (right, y)]);
            style.marker(svg, ((left + right) / 2.0, y));
        }
        Entry::Line(style, _) => style.line(svg, &[(left, y), (right, y)]),
        Entry::Markers(style, _) => style.marker(svg, ((left + right) / 2.0, y)),
        Entry::Shades(_) => draw_shades(svg, (left, right), y, shade),
        Entry::Heat(_) => draw_shades(svg, (left, right), y, heat),
        Entry::Baseline(_) => svg.line(
            (left, y),
            (right, y),
            &[
                ("stroke", &BASELINE_COLOR),
                ("stroke-width", &3),
                ("stroke-dasharray", &BASELINE_DASHES),
                ("stroke-linecap", &"round"),
            ],
        ),
    }
}

fn draw_shades(svg: &mut Svg, (left, right): (f64, f64), y: f64, color: impl Fn(f64) -> String) {
    let width = (right - left) / NUM_SHADES as f64;
    for index in 0..NUM_SHADES {
        svg.element(
            "rect",
            &[
                ("x", &unit(left + index as f64 * width)),
                ("y", &unit(y - SIZE * 0.4)),
                ("width", &unit(width)),
                ("height", &unit(SIZE * 0.8)),
                ("fill", &color(index as f64 / (NUM_SHADES - 1) as f64)),
                ("stroke", &"#888888"),
            ],
        );
    }
}

const NUM_SHADES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_wrap_and_long_names_are_cut() {
        let entry = |name: &str| Entry::Condition(LineStyle::nth(0), name.to_string());
        let long = "x".repeat(200);
        let legend = Legend::new(vec![entry("none"), entry("si"), entry(&long)], 700.0);

        let names: Vec<Vec<&str>> = legend
            .rows
            .iter()
            .map(|row| row.iter().map(|(_, name)| name.as_str()).collect())
            .collect();
        assert_eq!(names[0], ["none", "si"]);
        assert!(names[1][0].ends_with('…'));
        assert_eq!(legend.height(), 2.0 * ROW_HEIGHT);
    }
}
