//! The average accuracy of each method, as a picture.

use std::fmt::Write;

use crate::last_average;
use crate::report::{Row, mean};

const LEFT: f64 = 190.0;
const RIGHT: f64 = 620.0;
const TOP: f64 = 20.0;
const LINE: f64 = 30.0;
/// Percent at the left end. The right end is 100 %.
const LOWEST: f64 = 40.0;

pub(crate) fn draw(rows: &[Row]) -> String {
    let bottom = TOP + LINE * rows.len() as f64;
    let height = bottom + 45.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 650 {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"650\" height=\"{height}\" fill=\"white\"/>\n"
    );
    let mut percent = LOWEST;
    while percent <= 100.0 {
        let x = position(percent);
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"#ddd\"/>\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{percent}</text>",
            bottom + 16.0
        );
        percent += 10.0;
    }
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">average accuracy after the last task, %</text>",
        (LEFT + RIGHT) / 2.0,
        bottom + 36.0
    );
    for (index, row) in rows.iter().enumerate() {
        let y = TOP + LINE * (index as f64 + 0.5);
        let values = row.percent(last_average);
        let x = position(mean(&values));
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\
             <path d=\"M{x:.1} {}v16\" stroke=\"black\" stroke-width=\"2\"/>",
            LEFT - 12.0,
            y + 4.0,
            row.name(),
            y - 8.0
        );
        for value in values {
            let _ = writeln!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{y}\" r=\"4\" fill=\"#0072b2\" fill-opacity=\"0.6\"/>",
                position(value)
            );
        }
    }
    svg + "</svg>\n"
}

fn position(percent: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * (percent.max(LOWEST) - LOWEST) / (100.0 - LOWEST)
}
