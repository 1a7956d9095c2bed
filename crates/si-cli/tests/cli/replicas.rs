//! Runs that are trained at once, as a stack of replicas.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::crash::{checkpoints, kill, start};
use crate::training::runs;
use crate::{failure, names, printed, program, si};

/// Two seeds, and a checkpoint after every epoch.
const BUDGET: [&str; 22] = [
    "split-mnist",
    "--device",
    "flex",
    "--threads",
    "1",
    "--seeds",
    "2",
    "--tasks",
    "2",
    "--epochs",
    "6",
    "--hidden-sizes",
    "64",
    "--batch-size",
    "20",
    "--train-images",
    "1000",
    "--checkpoint-seconds",
    "0",
    "--methods",
    "none,si",
    "--out",
];

/// Rounding differs between a stack and a single run, so that a few images may be classified in another way.
const TOLERANCE: f64 = 0.01;

#[test]
fn runs_that_are_trained_at_once_have_the_records_of_single_runs() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let run = |folder: &str, flags: &[&str]| {
        let output = si(parent.path(), &[&BUDGET[..], &[folder], flags].concat());
        let said = failure(&output);
        assert!(output.status.success(), "{said}");
        said
    };
    let said = run("alone", &[]);
    assert!(!said.contains("runs at once"), "{said}");
    let said = run("stacked", &["--replicas", "4"]);
    let expected = "[4/4] 4 runs at once (none, si; seeds 0, 1): done in ";
    assert!(said.contains(expected), "{said}");

    let [alone, stacked] = ["alone", "stacked"].map(|folder| parent.path().join(folder));
    assert_close(&accuracies(&stacked), &accuracies(&alone));
    assert!(stacked.join("summary.json").is_file());
    let config = fs::read_to_string(stacked.join("config.toml")).expect("a config");
    assert!(config.contains("\nnum_replicas = 4\n"), "{config}");
}

#[test]
fn a_method_that_cannot_be_in_a_stack_trains_alone() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let mut args = BUDGET.to_vec();
    args[20] = "none,si,er";
    args.extend(["mixed", "--replicas", "9"]);
    let output = si(parent.path(), &args);
    let said = failure(&output);
    assert!(output.status.success(), "{said}");
    for seed in [0, 1] {
        let alone = format!("er, seed {seed}: done in ");
        assert!(said.contains(&alone), "{said}");
    }
    assert!(said.contains(" runs at once (none, si; seed"), "{said}");
    assert_eq!(accuracies(&parent.path().join("mixed")).len(), 6);
}

#[test]
fn stack_that_is_killed_resumes_with_the_same_bits() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let path = |name: &str| parent.path().join(name);
    let words = [&BUDGET[..], &["whole", "--replicas", "4"]].concat();
    printed(parent.path(), &words);

    interrupt(&path("killed"));
    let status = si(parent.path(), &["status", "killed"]);
    let status = String::from_utf8_lossy(&status.stdout);
    for line in [
        "0 of 4 runs done",
        "none  0 of 2 done; begun: 0, 1",
        "si    0 of 2 done; begun: 0, 1",
    ] {
        assert!(status.contains(line), "{status}");
    }
    printed(parent.path(), &["split-mnist", "--resume", "killed"]);
    assert_eq!(runs(&path("killed")), runs(&path("whole")));
    assert_eq!(left_in(&path("killed")), 0);

    interrupt(&path("changed"));
    let others = ["split-mnist", "--resume", "changed", "--replicas", "3"];
    printed(parent.path(), &others);
    assert_close(&accuracies(&path("changed")), &accuracies(&path("whole")));
    assert_eq!(left_in(&path("changed")), 0);
}

/// Kills a stack of four runs after its first checkpoint.
fn interrupt(folder: &Path) {
    let mut command = program();
    command.args(BUDGET).arg(folder).args(["--replicas", "4"]);
    let mut process = start(&mut command);
    while checkpoints(folder, "ckpt").is_empty() {
        let ended = process.try_wait().expect("it is our child");
        assert!(ended.is_none(), "it ended before its first checkpoint");
        thread::sleep(Duration::from_millis(1));
    }
    assert!(kill(&mut process), "it was interrupted");
}

/// How many runs or stacks have checkpoints.
fn left_in(folder: &Path) -> usize {
    let checkpoints = folder.join("checkpoints");
    if checkpoints.exists() {
        names(&checkpoints).len()
    } else {
        0
    }
}

/// Condition, seed and all test accuracies of each run of a folder, in order.
fn accuracies(folder: &Path) -> Vec<(String, Vec<f64>)> {
    let runs = runs(folder);
    let mut found: Vec<(String, Vec<f64>)> = runs
        .iter()
        .map(|run| {
            let run: Value = serde_json::from_str(run).expect("a record");
            let name = format!("{}, seed {}", run["condition"]["name"], run["seed"]);
            let rows = run["accuracy"].as_array().expect("a matrix");
            let values = rows.iter().flat_map(|row| row.as_array().expect("a row"));
            let values = values.map(|value| value.as_f64().expect("a number"));
            (name, values.collect())
        })
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

fn assert_close(found: &[(String, Vec<f64>)], expected: &[(String, Vec<f64>)]) {
    assert_eq!(expected.len(), 4);
    assert_eq!(found.len(), 4);
    for ((name, found), (expected_name, expected)) in found.iter().zip(expected) {
        assert_eq!(name, expected_name);
        assert_eq!(found.len(), expected.len());
        let mut pairs = found.iter().zip(expected);
        assert!(
            pairs.all(|(found, expected)| (found - expected).abs() <= TOLERANCE),
            "{name}: {found:?}, not {expected:?}"
        );
    }
}
