//! Compares `docs/methods.md` with the table of methods.

use std::fs;

use si_core::importance::RunningMeasure;
use si_core::quadratic::Joining;

use super::{
    Anchor, Growth, METHODS, Measure, Memory, Method, Parameter, Parts, Regime, Replay, Trunk,
    Values,
};
use crate::experiment::{Experiment, ExperimentConfig};
use crate::model::Units;

/// What a cell says if there is nothing.
const NOTHING: &str = "–";

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/methods.md");
    fs::read_to_string(path).expect("the page is there")
}

/// Checks that the page has these lines, and no others of their kind.
#[track_caller]
fn assert_lines(kind: &str, found: &[&str], expected: &[String]) {
    assert!(
        found == expected,
        "docs/methods.md must have these {kind}:\n{}\n\nIt has:\n{}",
        expected.join("\n"),
        found.join("\n")
    );
}

/// The title of the section about a method.
fn heading(method: &Method) -> String {
    let Method { key, title, .. } = method;
    let (first, rest) = title.split_at(title.chars().next().map_or(0, char::len_utf8));
    format!("`{key}`: {}{rest}", first.to_uppercase())
}

/// The name that a link to a title has.
fn anchor(heading: &str) -> String {
    let heading = heading.to_lowercase().replace(' ', "-");
    let is_kept = |it: &char| it.is_alphanumeric() || ['-', '_'].contains(it);
    heading.chars().filter(is_kept).collect()
}

/// The line about a parameter in the section of its method.
fn parameter_line(parameter: &Parameter) -> String {
    let Parameter {
        key,
        symbol,
        summary,
        range,
        ..
    } = parameter;
    let name = if key == symbol {
        format!("`{key}`")
    } else {
        format!("`{key}` ({symbol})")
    };
    let default = parameter.default_text();
    let default = default.unwrap_or_else(|| "must be given".to_string());
    format!("| {name} | {summary} | {range} | {default} |")
}

/// The line about a method in the overview.
fn overview_line(method: &Method) -> String {
    let config = ExperimentConfig::paper(Experiment::SplitMnist);
    let value = |parameter: &Parameter| parameter.default.map_or(1.0, |default| default(&config));
    let values = method.parameters.iter();
    let values: Values = values.map(|it| (it.key.to_string(), value(it))).collect();
    let parts = (method.parts)(&values);
    let old_data = match (parts.memory, parts.regime) {
        (Some(_), _) => "M images",
        (None, Some(Regime::Jointly)) => "all",
        _ => NOTHING,
    };
    let has_part_per_task = parts.growth.is_some() || parts.regime == Some(Regime::Afresh);
    let task = if has_part_per_task { "needed" } else { NOTHING };
    let paper = if method.source.is_empty() {
        NOTHING
    } else {
        method.source
    };
    let heading = heading(method);
    format!(
        "| [`{}`](#{}) | {} | {} | {old_data} | {task} | {paper} |",
        method.key,
        anchor(&heading),
        kept(&parts),
        extra_passes(&parts)
    )
}

/// What a method keeps beside the network and the optimizer.
fn kept(parts: &Parts) -> &'static str {
    let Parts {
        regime,
        synaptic,
        anchor,
        functional,
        memory,
        units,
        growth,
        ..
    } = parts;
    if synaptic.is_some() {
        return "3 per parameter";
    }
    if let Some(Anchor { measure, .. }) = anchor {
        // Two of a penalty, and those of what is measured in the steps.
        return match measure {
            Measure::AtEnd(_) => "2 per parameter",
            Measure::InSteps(
                RunningMeasure::SecondMoment { .. } | RunningMeasure::NoiseMoment { .. },
            ) => "3 per parameter",
            Measure::InSteps(
                RunningMeasure::UnbiasedPath { .. } | RunningMeasure::PathBias { .. },
            ) => "4 per parameter",
            Measure::InSteps(RunningMeasure::RiemannianWalk { .. }) => "8 per parameter",
        };
    }
    if functional.is_some() {
        return "1 per parameter";
    }
    if let Some(Memory { replay, .. }) = memory {
        return match replay {
            Replay::Joined | Replay::Projection => "M images",
            Replay::Logits { .. } => "M images, their logits",
        };
    }
    match (regime, growth, units) {
        (Some(Regime::Jointly), ..) => "all images",
        (Some(Regime::Afresh), ..) => "a network per task",
        (_, Some(Growth::ColumnPerTask), _) => "a column per task",
        (.., Some(Units::Maxout { .. })) => "k times the hidden weights",
        _ => NOTHING,
    }
}

/// The passes of a method beside one forward and one backward pass in each step.
fn extra_passes(parts: &Parts) -> &'static str {
    let Parts {
        anchor,
        trunk,
        functional,
        memory,
        units,
        growth,
        ..
    } = parts;
    if let Some(Anchor { measure, penalty }) = anchor {
        return match measure {
            // The importance of an L2 anchor is constant, and all others grow with each task.
            Measure::AtEnd(_) if penalty.joining == Joining::Replace => NOTHING,
            Measure::AtEnd(_) => "over images of a task at its end",
            Measure::InSteps(measure) if measure.needs_second_gradient() => {
                "a second minibatch in each step"
            }
            Measure::InSteps(_) => NOTHING,
        };
    }
    if functional.is_some() {
        return "a forward pass of the copy in each step";
    }
    if let Some(Memory { replay, .. }) = memory {
        return match replay {
            Replay::Joined | Replay::Logits { beta: None, .. } => "m more images in each step",
            Replay::Logits { beta: Some(_), .. } => "2 m more images in each step",
            Replay::Projection => "m images apart in each step",
        };
    }
    match (trunk, growth, units) {
        (Some(Trunk::Frozen), ..) => "fewer: the readout alone has a gradient",
        (_, Some(Growth::ColumnPerTask), _) => "forward through the earlier columns in each step",
        (.., Some(Units::Maxout { .. })) => "k times the sums of hidden units",
        _ => NOTHING,
    }
}

#[test]
fn every_method_has_a_section_on_the_page_and_every_section_a_method() {
    let page = page();
    let mut found: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    found.sort_unstable();
    let mut expected: Vec<String> = METHODS.iter().map(|it| heading(it)).collect();
    expected.sort_unstable();
    assert_lines("sections", &found, &expected);
}

#[test]
fn the_section_of_a_method_has_its_parameters_with_their_ranges_and_defaults() {
    let page = page();
    for method in METHODS {
        let heading = heading(method);
        let section = page
            .split("\n### ")
            .find_map(|it| it.strip_prefix(&*heading));
        let section = section.unwrap_or_else(|| panic!("there is no section {heading}"));
        let section = section.split("\n## ").next().unwrap_or_default();
        let found = section.lines().filter(|line| line.starts_with("| `"));
        let found: Vec<&str> = found.collect();
        let expected: Vec<String> = method.parameters.iter().map(parameter_line).collect();
        assert_lines(&format!("lines about {}", method.key), &found, &expected);
    }
}

#[test]
fn the_overview_says_what_each_method_is_made_of() {
    let page = page();
    let lines = page.lines().filter(|line| line.starts_with("| [`"));
    let found: Vec<&str> = lines.collect();
    let expected: Vec<String> = METHODS.iter().map(|it| overview_line(it)).collect();
    assert_lines("lines of the overview", &found, &expected);
}

#[test]
fn every_source_of_a_method_is_one_row_of_the_papers() {
    let page = page();
    let (_, papers) = page.split_once("\n## Papers and code").unwrap_or_default();
    for method in METHODS.iter().filter(|it| !it.source.is_empty()) {
        let row = format!("| {} | ", method.source);
        let count = papers.lines().filter(|it| it.starts_with(&row)).count();
        assert_eq!(count, 1, "{method:?} is from {}", method.source);
    }
}
