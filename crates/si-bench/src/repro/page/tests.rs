use crate::experiment::{ExperimentConfig, RunFolder};
use crate::fixture;

use super::super::{Part, make, publish};
use super::*;

#[test]
fn the_report_shows_only_the_parts_that_were_made() {
    let folder = results();
    let report = write_report(folder.path()).expect("a report");
    let markdown = std::fs::read_to_string(report.markdown).expect("a page");
    let html = std::fs::read_to_string(report.html).expect("a page");
    for text in [
        "Figure 3: split MNIST, reduced protocol",
        "cargo run -p si-cli -- split-mnist --config split-mnist/config.toml",
        "num_epochs = 1",
    ] {
        assert!(markdown.contains(text), "{text}");
        assert!(html.contains(text), "{text}");
    }
    assert!(!markdown.contains("Figure 6"));
    assert!(report.verdicts.contains("claims: "), "{}", report.verdicts);
}

#[test]
fn the_page_needs_no_other_file_and_is_well_formed() {
    let folder = results();
    make(Part::Figure1, folder.path()).expect("seconds of computing");
    let report = write_report(folder.path()).expect("a report");
    let html = std::fs::read_to_string(report.html).expect("a page");
    for reference in ["src=", "<link", "@import", "url(http"] {
        assert!(!html.contains(reference), "{reference}");
    }
    // Void elements aside, the page is XML; a name that is there twice would be an error of it.
    let xml = html
        .replace("<!doctype html>\n", "")
        .replace("<meta charset=\"utf-8\">", "")
        .replace(
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
            "",
        );
    let document = roxmltree::Document::parse(&xml).expect("well-formed");
    let mut ids: Vec<&str> = document
        .descendants()
        .filter_map(|node| node.attribute("id"))
        .collect();
    let num_ids = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), num_ids);
    let labels = document
        .descendants()
        .filter_map(|node| node.attribute("aria-labelledby"));
    for label in labels.flat_map(str::split_whitespace) {
        assert!(ids.contains(&label), "{label}");
    }
    for node in document.descendants() {
        let target = node
            .attribute("href")
            .and_then(|href| href.strip_prefix('#'));
        assert!(
            target.is_none_or(|target| ids.contains(&target)),
            "{target:?}"
        );
    }
}

#[test]
fn published_results_make_the_same_report_and_hide_this_machine() {
    let folder = results();
    let target = tempfile::tempdir().expect("a folder");
    let here = write_report(folder.path()).expect("a report");
    let there = publish(folder.path(), target.path()).expect("published");
    assert_eq!(there.verdicts, here.verdicts);
    let path = target.path().join("split-mnist");
    let config = std::fs::read_to_string(path.join("config.toml")).expect("a config");
    assert!(!config.contains("data_dir"), "{config}");
    let records = |path: &Path| std::fs::read(path.join("runs.jsonl")).expect("records");
    assert_eq!(records(&path), records(&folder.path().join("split-mnist")));
    assert!(!path.join("checkpoints").exists());
}

#[test]
fn fewer_runs_do_not_replace_more() {
    let (folder, target) = (results(), tempfile::tempdir().expect("a folder"));
    publish(folder.path(), target.path()).expect("published");
    let records = folder.path().join("split-mnist/runs.jsonl");
    let text = std::fs::read_to_string(&records).expect("records");
    let first = text.lines().next().expect("a record");
    std::fs::write(&records, format!("{first}\n")).expect("cut");
    let error = publish(folder.path(), target.path())
        .expect_err("fewer runs")
        .to_string();
    assert!(error.contains("has 1 finished run"), "{error}");
    let kept = std::fs::read_to_string(target.path().join("split-mnist/runs.jsonl"));
    assert_eq!(kept.expect("records"), text);
}

/// A folder with the runs of split MNIST on a budget of one epoch.
fn results() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let config = ExperimentConfig {
        num_epochs: 1,
        data_dir: Some("somewhere/here".into()),
        output_dir: Some(folder.path().join("split-mnist")),
        ..fixture::config(&[0.0, 1.0], 2)
    };
    let now = std::time::SystemTime::UNIX_EPOCH;
    let mut runs = RunFolder::create(config, folder.path(), now).expect("a run folder");
    for record in fixture::records(&runs.config().clone(), 5) {
        runs.append(&record).expect("appended");
    }
    std::fs::create_dir_all(runs.path().join("checkpoints/none-9")).expect("a left-over");
    folder
}
