use resvg::tiny_skia::Pixmap;
use roxmltree::Document;

use super::*;
use crate::{
    data::DataSet, experiment::ExperimentConfig, fixture, metrics::AccuracyMatrix, report::png,
};

#[test]
fn five_tasks_make_six_panels_with_a_line_per_condition() {
    let svg = figure(&[results("", &fixture::config(&[0.0, 1.0], 3), 5)]);
    let document = parse(&svg);

    assert_eq!(titles(&document)[0], "Task 1 (0 or 1)");
    assert_eq!(titles(&document)[4..], ["Task 5 (8 or 9)", "Average"]);
    let points: Vec<usize> = lines(&document)
        .iter()
        .map(|line| line.split(' ').count())
        .collect();
    assert_eq!(points, [5, 5, 4, 4, 3, 3, 2, 2, 5, 5]);
    assert!(error_bars(&svg) > 5);
    for text in [
        "none (c = 0)",
        "si (c = 1)",
        "chance (0.5)",
        "Task number",
        "Test accuracy",
    ] {
        assert!(svg.contains(&format!(">{text}</text>")), "{text}");
    }
}

#[test]
fn one_seed_has_no_error_bars() {
    let svg = figure(&[results("", &fixture::config(&[0.0, 1.0], 1), 5)]);
    parse(&svg);
    assert_eq!(error_bars(&svg), 0);
}

#[test]
fn one_task_makes_one_panel() {
    let svg = figure(&[results("", &fixture::config(&[1.0], 2), 1)]);
    assert_eq!(titles(&parse(&svg)), ["Task 1 (0 or 1)"]);
}

#[test]
fn ten_tasks_thin_out_the_ticks() {
    let svg = figure(&[results("", &fixture::config(&[1.0], 2), 10)]);
    assert_eq!(titles(&parse(&svg)).len(), 11);
    assert!(svg.contains(">10</text>") && !svg.contains(">9</text>"));
}

#[test]
fn equal_values_still_have_an_axis() {
    let config = fixture::config(&[1.0], 2);
    let mut records = fixture::records(&config, 3);
    for record in &mut records {
        record.accuracy = AccuracyMatrix::new(vec![vec![1.0; 3]; 3]).expect("valid rows");
    }
    let svg = figure(&[Results::new("", &config, &records).expect("even runs")]);

    parse(&svg);
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    assert_eq!(error_bars(&svg), 0);
}

#[test]
fn markup_in_a_label_is_drawn_as_text() {
    let config = fixture::config(&[1.0], 2);
    let svg = figure(&[results("<b>&", &config, 5), results("\"x\"", &config, 5)]);
    parse(&svg);
    assert!(svg.contains("&lt;b&gt;&amp;: si (c = 1)"), "{svg}");
}

#[test]
fn long_titles_wrap_and_are_not_cut() {
    let mut config = fixture::config(&[1.0], 2);
    config.data_set = Some(DataSet::FashionMnist);
    let svg = figure(&[results("", &config, 5)]);
    for title in [
        "Task 1",
        "(T-shirt or trouser)",
        "(bag or ankle boot)",
        "Average",
    ] {
        assert!(svg.contains(&format!(">{title}</tspan>")), "{title}");
    }
}

#[test]
fn long_run_names_keep_both_ends_and_the_condition() {
    let config = fixture::config(&[0.25], 2);
    let long = "a-run-folder-with-a-really-long-name-2026-11-22";
    let svg = figure(&[results(long, &config, 5), results("b", &config, 5)]);
    assert!(
        svg.contains(">a-run-folder-…e-2026-11-22: si (c = 0.25)<"),
        "{svg}"
    );
}

#[test]
fn panels_without_runs_are_empty() {
    let config = fixture::config(&[1.0], 2);
    let empty = figure(&[Results::new("", &config, &[]).expect("no runs")]);
    assert_eq!(titles(&parse(&empty)).len(), 6);
    assert!(lines(&parse(&empty)).is_empty());

    png(&figure(&[]), 360).expect("an empty picture");
}

#[test]
fn the_png_has_the_figures_shape_and_colours() {
    let svg = figure(&[results("", &fixture::config(&[0.0, 1.0], 3), 5)]);
    let pixels = Pixmap::decode_png(&png(&svg, 450).expect("a picture")).expect("a PNG");

    let view_box = parse(&svg)
        .root_element()
        .attribute("viewBox")
        .map(str::to_string);
    let height: f32 = view_box
        .and_then(|view_box| view_box.split(' ').next_back()?.parse().ok())
        .expect("a height");
    assert_eq!(pixels.width(), 450);
    assert_eq!(pixels.height(), (height / 2.0).round() as u32);
    let has = |red, green, blue| {
        let near = |value: u8, wanted: u8| value.abs_diff(wanted) < 12;
        pixels.pixels().iter().any(|pixel| {
            near(pixel.red(), red) && near(pixel.green(), green) && near(pixel.blue(), blue)
        })
    };
    assert!(has(0x00, 0x72, 0xb2), "the first condition's blue");
    assert!(has(0xd5, 0x5e, 0x00), "the second condition's vermilion");
    assert!(has(0x1a, 0x1a, 0x1a), "text");
}

fn results(label: &str, config: &ExperimentConfig, num_tasks: usize) -> Results {
    Results::new(label, config, &fixture::records(config, num_tasks)).expect("even runs")
}

fn parse(svg: &str) -> Document<'_> {
    Document::parse(svg).expect("well-formed XML")
}

/// The titles of the panels, as a reader sees them.
fn titles(document: &Document) -> Vec<String> {
    groups(document, "panel")
        .map(|panel| {
            let title = panel.children().find(|node| node.has_tag_name("text"));
            let spans = title.into_iter().flat_map(|title| title.descendants());
            let words: Vec<&str> = spans
                .filter(|node| node.has_tag_name("tspan"))
                .filter_map(|span| span.text())
                .collect();
            words.join(" ").trim().to_string()
        })
        .collect()
}

/// The points of every line in the panels.
fn lines(document: &Document) -> Vec<String> {
    groups(document, "panel")
        .flat_map(|panel| panel.children())
        .filter_map(|node| node.attribute("points").map(str::to_string))
        .collect()
}

fn groups<'a>(
    document: &'a Document,
    class: &'a str,
) -> impl Iterator<Item = roxmltree::Node<'a, 'a>> {
    document
        .descendants()
        .filter(move |node| node.attribute("class") == Some(class))
}

fn error_bars(svg: &str) -> usize {
    svg.matches("stroke-width=\"2.5\"").count()
}
