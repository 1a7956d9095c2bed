use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::si;

/// As little training as there can be of the whole experiment.
const BUDGET: [&str; 6] = [
    "--epochs",
    "1",
    "--hidden-sizes",
    "4",
    "--batch-size",
    "2000",
];

fn train(folder: &Path, args: &[&str]) {
    let args: Vec<&str> = ["split-mnist"].iter().chain(args).copied().collect();
    let output = si(folder, &args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
}

/// The runs of a folder without what differs from one time to the next, in order.
fn runs(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("runs.jsonl")).expect("runs were made");
    let mut runs: Vec<String> = text
        .lines()
        .map(|line| {
            let mut run: Value = serde_json::from_str(line).expect("a line is a record");
            let run_fields = run.as_object_mut().expect("a record has fields");
            run_fields.remove("elapsed_seconds").expect("it was timed");
            run.to_string()
        })
        .collect();
    runs.sort();
    runs
}

#[test]
fn resumed_experiment_gives_the_bits_of_one_that_was_never_interrupted() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let whole = [&BUDGET[..], &["--seeds", "2", "--out", "whole"]].concat();
    train(parent.path(), &whole);
    let part = [&BUDGET[..], &["--seeds", "1", "--out", "part"]].concat();
    train(parent.path(), &part);
    train(parent.path(), &["--resume", "part", "--seeds", "2"]);

    let expected = runs(&parent.path().join("whole"));
    assert_eq!(expected.len(), 4);
    assert_eq!(runs(&parent.path().join("part")), expected);
    for folder in ["whole", "part"] {
        for file in [
            "config.toml",
            "summary.json",
            "summary.md",
            "figure.svg",
            "figure.png",
        ] {
            assert!(parent.path().join(folder).join(file).is_file(), "{file}");
        }
    }
}

#[test]
fn every_scenario_preset_optimizer_and_activation_trains() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    for (index, [scenario, preset, optimizer, activation]) in [
        ["domain", "pathint_permuted", "sgd", "tanh"],
        ["class", "avalanche", "adamw", "gelu"],
        ["task", "van_de_ven", "rmsprop", "sigmoid"],
        ["task", "benzing", "adam", "relu"],
    ]
    .into_iter()
    .enumerate()
    {
        let settings = [
            "--scenario",
            scenario,
            "--preset",
            preset,
            "--optimizer",
            optimizer,
            "--activation",
            activation,
        ];
        let folder = index.to_string();
        let rest = ["--seeds", "1", "--strengths", "1", "--out", &folder];
        train(parent.path(), &[&BUDGET[..], &settings, &rest].concat());
        assert_eq!(runs(&parent.path().join(&folder)).len(), 1);
    }
}
