//! A study of the possibilities frontier: its folders, its report, and resuming.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::training::runs;
use crate::{failure, names, printed, si};

/// As little training as possible.
const BUDGET: [&str; 13] = [
    "frontier",
    "--device",
    "flex",
    "--jobs",
    "1",
    "--threads",
    "1",
    "--configurations",
    "1",
    "--epochs",
    "2",
    "--train-images",
    "200",
];

fn json(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("frontier.json")).expect("it was written");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn study_has_a_run_folder_for_each_configuration_and_can_get_more_of_them() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    // Where `--resume` without a folder looks.
    let study = "runs/frontier/study";
    let folder = parent.path().join(study);
    let stdout = printed(parent.path(), &[&BUDGET[..], &["--out", study]].concat());
    for part in [
        "LWTA, dropout",
        "remember the old task best",
        "frontier.json",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    for file in ["frontier.svg", "frontier.png", "frontier.md"] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    let first = runs(&folder.join("01"));
    assert_eq!(first.len(), 6);
    let networks = json(&folder)["networks"].as_array().cloned();
    let networks = networks.expect("a list");
    // An outcome of each of two epochs of the new task.
    let outcomes: Vec<&Value> = networks.iter().map(|it| &it["num_outcomes"]).collect();
    assert_eq!(outcomes, [2; 6]);
    let points = networks[0]["frontier"].as_array().expect("a list");
    let errors = points.iter().map(|it| it["old_error"].as_f64());
    assert!(errors.flatten().all(|it| (0.0..=1.0).contains(&it)));

    let of_one = fs::read(folder.join("frontier.json")).expect("it was written");
    let more = ["frontier", "--resume", study, "--configurations", "2"];
    printed(parent.path(), &more);
    assert_eq!(runs(&folder.join("01")), first);
    assert_eq!(runs(&folder.join("02")).len(), 6);
    let found = json(&folder);
    assert_eq!(found["networks"][5]["num_outcomes"], 4);
    assert_eq!(found["configurations"].as_array().map(Vec::len), Some(2));

    // As if it was killed after the last run: the report is of one configuration.
    fs::write(folder.join("frontier.json"), of_one).expect("a writable folder");
    printed(parent.path(), &["frontier", "--resume"]);
    assert_eq!(json(&folder), found);

    // Each subfolder is an ordinary one.
    let report = printed(parent.path(), &["report", &format!("{study}/01")]);
    assert!(report.contains("lwta"), "{report}");
}

#[test]
fn study_that_lost_a_run_makes_it_again_with_the_same_numbers() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let folder = parent.path().join("study");
    printed(parent.path(), &[&BUDGET[..], &["--out", "study"]].concat());
    let (expected, frontier) = (runs(&folder.join("01")), json(&folder));
    let records = folder.join("01/runs.jsonl");
    let text = fs::read_to_string(&records).expect("runs were made");
    let kept: Vec<&str> = text.lines().take(4).collect();
    fs::write(&records, kept.join("\n") + "\n").expect("a writable folder");
    fs::remove_file(folder.join("frontier.json")).expect("it was written");
    printed(parent.path(), &["frontier", "--resume", "study"]);
    assert_eq!(runs(&folder.join("01")), expected);
    assert_eq!(json(&folder), frontier);
}

#[test]
fn study_in_a_folder_that_holds_another_is_refused() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let folder = parent.path().join("used");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("frontier.toml"), "").expect("a file");
    let output = si(parent.path(), &[&BUDGET[..], &["--out", "used"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", failure(&output));
    assert_eq!(names(&folder), ["frontier.toml"]);
    let output = si(parent.path(), &["frontier", "--resume", "nowhere"]);
    let expected = "nowhere is not the folder of a study of the frontier";
    assert!(failure(&output).contains(expected), "{}", failure(&output));
}
