use serde::Serialize;

use super::{Point, Series};

#[derive(Serialize)]
struct Line<'a> {
    run: &'a str,
    experiment: &'static str,
    condition: &'a str,
    strength: f64,
    seed: u64,
    #[serde(flatten)]
    point: &'a Point,
}

/// The series as JSON Lines: one object per point. Values that were not measured are null, or an empty list.
pub fn json_lines(series: &[Series]) -> String {
    let mut text = String::new();
    for series in series {
        for point in &series.points {
            let line = Line {
                run: &series.run,
                experiment: series.experiment.name(),
                condition: &series.condition,
                strength: series.strength,
                seed: series.seed,
                point,
            };
            let line =
                serde_json::to_string(&line).expect("names, numbers and lists have a form in JSON");
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}
