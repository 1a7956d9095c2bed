use crate::Error;
use crate::report::plot::{
    chart::{Axis, Chart, Charts, Entry, Layer, Side},
    field::Field,
    panel::Point,
    style::LineStyle,
};

use super::TwoTasks;

/// What the figure shows.
pub(crate) const CAPTION: &str = "Loss of two tasks over two parameters, and the way of gradient \
    descent: from θ(t₀) to θ(t₁) on task 1, and from there to θ(t₂) on task 2, with and without \
    consolidation";

/// The paper's figure 1, as the text of an SVG file.
///
/// # Errors
///
/// Those of [`TwoTasks::losses`].
pub(super) fn draw(two_tasks: &TwoTasks) -> Result<String, Error> {
    let [without, with] = &two_tasks.second;
    let lines = [
        (FIRST, &two_tasks.first_path, "task 1".to_string()),
        (
            WITHOUT,
            &without.path,
            format!("then task 2, c = {}", without.strength),
        ),
        (
            WITH,
            &with.path,
            format!("then task 2, c = {}", with.strength),
        ),
    ]
    .map(|(style, path, name)| (LineStyle::nth(style).solid(), path, name));
    let charts = [0, 1].map(|task| chart(two_tasks, &lines, task));
    let [first, second] = charts;
    let mut legend: Vec<Entry> = lines
        .into_iter()
        .map(|(style, _, name)| Entry::Condition(style, name))
        .collect();
    legend.push(Entry::Shades("loss, from low to high".to_string()));
    Ok(Charts {
        title: "Two tasks, learnt one after the other".to_string(),
        description: CAPTION.to_string(),
        legend,
        aspect: 1.0,
        charts: vec![first?, second?],
    }
    .draw())
}

/// Styles of the three paths.
const FIRST: usize = 0;
const WITHOUT: usize = 1;
const WITH: usize = 2;

const X: (f64, f64) = (-2.0, 1.4);
const Y: (f64, f64) = (-1.8, 1.6);
/// Nodes per side of the landscape.
const NUM_NODES: usize = 121;
const LEVELS: [f64; 9] = [0.05, 0.15, 0.4, 0.8, 1.4, 2.2, 3.5, 5.5, 8.0];

fn chart(
    two_tasks: &TwoTasks,
    lines: &[(LineStyle, &Vec<[f64; 2]>, String)],
    task: usize,
) -> Result<Chart, Error> {
    let losses = TwoTasks::losses(task, &Field::nodes(X, Y, NUM_NODES))?;
    let mut layers = vec![Layer::Shades(
        Field::new(X, Y, NUM_NODES, losses),
        LEVELS.to_vec(),
    )];
    let pair = |[x, y]: [f64; 2]| (x, y);
    for (style, path, _) in lines {
        layers.push(Layer::Line(
            *style,
            path.iter().copied().map(pair).collect(),
        ));
    }
    let start = (LineStyle::nth(FIRST), two_tasks.start.parameters);
    let ends = lines
        .iter()
        .filter_map(|(style, path, _)| Some((*style, *path.last()?)));
    for (style, [x, y]) in [start].into_iter().chain(ends) {
        let point = Point { x, y, error: None };
        layers.push(Layer::Markers(style, vec![point]));
    }
    for (name, place, side) in [
        ("θ(t₀)", two_tasks.start, Side::Above),
        ("θ(t₁)", two_tasks.after_first, Side::Above),
        ("θ(t₂)", two_tasks.second[0].end, Side::Below),
        ("θ(t₂)", two_tasks.second[1].end, Side::Above),
    ] {
        let at = pair(place.parameters);
        layers.push(Layer::Note(at, side, name.to_string()));
    }
    let axis = |label: &str, ends| Axis {
        label: label.to_string(),
        ends,
    };
    Ok(Chart {
        title: format!("Loss of task {}", task + 1),
        x: axis("θ₁", X),
        y: axis(if task == 0 { "θ₂" } else { "" }, Y),
        layers,
    })
}
