use super::svg::{Attribute, Svg, unit};

/// How one condition is drawn. Conditions differ in colour, dashes and marker shape, and each of
/// these alone is enough to distinguish them, in print or without colour vision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineStyle {
    color: &'static str,
    dashes: &'static str,
    marker: Marker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
    TriangleDown,
}

/// The palette of Okabe and Ito (2008) without its yellow, which is too light for a line on white.
const COLORS: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000",
];
const DASHES: [&str; 5] = ["none", "14 6", "4 6", "18 6 4 6", "9 5"];
const MARKERS: [Marker; 6] = [
    Marker::Circle,
    Marker::Square,
    Marker::Triangle,
    Marker::Diamond,
    Marker::Cross,
    Marker::TriangleDown,
];

/// Half the size of a marker.
const RADIUS: f64 = 7.0;

impl LineStyle {
    /// The style of the condition `index`; the first 210 all differ.
    pub(crate) fn nth(index: usize) -> Self {
        Self {
            color: COLORS[index % COLORS.len()],
            dashes: DASHES[index % DASHES.len()],
            marker: MARKERS[index % MARKERS.len()],
        }
    }

    /// The same colour and marker, without dashes.
    pub(crate) fn solid(self) -> Self {
        Self {
            dashes: "none",
            ..self
        }
    }

    /// A grey line, with which others are compared.
    pub(crate) fn reference() -> Self {
        Self {
            color: "#767676",
            dashes: "none",
            marker: Marker::Circle,
        }
    }

    /// The same style, dotted.
    pub(crate) fn dotted(self) -> Self {
        Self {
            dashes: "3 7",
            ..self
        }
    }

    /// Lines that join `points`. Draws nothing for a single point.
    pub(super) fn line(self, svg: &mut Svg, points: &[(f64, f64)]) {
        if points.len() < 2 {
            return;
        }
        let points: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{},{}", unit(*x), unit(*y)))
            .collect();
        svg.element(
            "polyline",
            &[
                ("points", &points.join(" ")),
                ("fill", &"none"),
                ("stroke", &self.color),
                ("stroke-width", &3.5),
                ("stroke-dasharray", &self.dashes),
                ("stroke-linejoin", &"round"),
            ],
        );
    }

    /// A bar from `low` to `high` with caps. It is left out if the marker would cover it.
    pub(super) fn error_bar(self, svg: &mut Svg, x: f64, low: f64, high: f64) {
        if low - high <= 2.0 * RADIUS {
            return;
        }
        let path = format!(
            "M{x} {low}V{high}M{left} {low}H{right}M{left} {high}H{right}",
            x = unit(x),
            low = unit(low),
            high = unit(high),
            left = unit(x - RADIUS * 1.2),
            right = unit(x + RADIUS * 1.2),
        );
        svg.element(
            "path",
            &[
                ("d", &path),
                ("fill", &"none"),
                ("stroke", &self.color),
                ("stroke-width", &2.5),
            ],
        );
    }

    /// The marker at a point, with a white rim that separates it from what is below.
    pub(super) fn marker(self, svg: &mut Svg, (x, y): (f64, f64)) {
        let place = format!("translate({} {})", unit(x), unit(y));
        let attributes: [Attribute; 6] = [
            ("transform", &place),
            ("d", &self.marker.path()),
            ("fill", &self.color),
            ("stroke", &"#ffffff"),
            ("stroke-width", &2),
            ("stroke-linejoin", &"round"),
        ];
        svg.element("path", &attributes);
    }
}

impl Marker {
    /// Its outline around the origin. All markers look equally large.
    fn path(self) -> String {
        let r = RADIUS;
        match self {
            Marker::Circle => format!("M{r} 0A{r} {r} 0 1 1 -{r} 0A{r} {r} 0 1 1 {r} 0Z"),
            Marker::Square => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            Marker::Triangle => polygon(&[(0.0, -1.3), (1.2, 0.9), (-1.2, 0.9)]),
            Marker::Diamond => polygon(&[(0.0, -1.35), (1.2, 0.0), (0.0, 1.35), (-1.2, 0.0)]),
            Marker::TriangleDown => polygon(&[(0.0, 1.3), (1.2, -0.9), (-1.2, -0.9)]),
            Marker::Cross => {
                let quarter = [(0.4, -1.2), (0.4, -0.4), (1.2, -0.4)];
                let corners: Vec<(f64, f64)> = (0..4)
                    .flat_map(|turns| quarter.map(|corner| turn(corner, turns)))
                    .collect();
                polygon(&corners)
            }
        }
    }
}

/// The colour of a share in `[0, 1]`, from white to a grey on which every line is still visible.
pub(super) fn shade(share: f64) -> String {
    let mixed = DARKEST.map(|dark| (255.0 + share.clamp(0.0, 1.0) * (dark - 255.0)).round() as u8);
    format!("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2])
}

/// The colour of a share in `[0, 1]`, from white to a dark blue.
pub(super) fn heat(share: f64) -> String {
    let mixed = BLUE.map(|dark| (255.0 + share.clamp(0.0, 1.0) * (dark - 255.0)).round() as u8);
    format!("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2])
}

const BLUE: [f64; 3] = [8.0, 48.0, 107.0];
const DARKEST: [f64; 3] = [142.0, 150.0, 160.0];

/// Turns a point around the origin, by quarters.
fn turn(point: (f64, f64), quarters: usize) -> (f64, f64) {
    (0..quarters).fold(point, |(x, y), _| (-y, x))
}

/// A closed path through corners given in radii.
fn polygon(corners: &[(f64, f64)]) -> String {
    let corners: Vec<String> = corners
        .iter()
        .map(|(x, y)| format!("{} {}", unit(x * RADIUS), unit(y * RADIUS)))
        .collect();
    format!("M{}Z", corners.join("L"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_run_from_white_to_grey() {
        assert_eq!(shade(0.0), "#ffffff");
        assert_eq!(shade(1.0), "#8e96a0");
        assert_eq!(shade(7.0), shade(1.0));
    }

    #[test]
    fn neighbouring_styles_differ_in_everything_and_no_two_are_the_same() {
        let styles: Vec<LineStyle> = (0..210).map(LineStyle::nth).collect();
        for pair in styles.windows(2) {
            assert_ne!(pair[0].color, pair[1].color);
            assert_ne!(pair[0].dashes, pair[1].dashes);
            assert_ne!(pair[0].marker, pair[1].marker);
        }
        for (index, style) in styles.iter().enumerate() {
            assert!(!styles[..index].contains(style), "{index}");
        }
    }
}
