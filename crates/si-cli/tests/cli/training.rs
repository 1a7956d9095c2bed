use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use si_bench::methods::METHODS;

use crate::{DATA_DIR, command, failure, si};

/// The whole experiment with as little training as possible.
const BUDGET: [&str; 8] = [
    "--device",
    "flex",
    "--epochs",
    "1",
    "--hidden-sizes",
    "4",
    "--batch-size",
    "2000",
];

fn train(folder: &Path, args: &[&str]) {
    let args: Vec<&str> = ["split-mnist"].iter().chain(args).copied().collect();
    succeed(folder, &args);
}

/// The runs of a folder, in order, without values that differ each time.
pub(crate) fn runs(folder: &Path) -> Vec<String> {
    records(&folder.join("runs.jsonl"))
}

/// The runs in a file, in order, without values that differ each time.
pub(crate) fn records(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("runs were made");
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
fn resumed_experiment_gives_the_same_bits_as_an_uninterrupted_one() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    // By default, with many cores, fewer runs would have more threads each.
    let budget = [&BUDGET[..], &["--threads", "1"]].concat();
    let whole = [&budget[..], &["--seeds", "2", "--out", "whole"]].concat();
    train(parent.path(), &whole);
    let part = [&budget[..], &["--seeds", "1", "--out", "part"]].concat();
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
fn strengths_that_are_chosen_are_recorded_and_shown() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let chosen = "--tasks 2 --train-images 400 --choose chf --chf-images 100 --methods none,si:c=1 --out chosen";
    let chosen: Vec<&str> = chosen.split(' ').collect();
    train(
        parent.path(),
        &[&BUDGET[..], &chosen, &["--seeds", "1"]].concat(),
    );
    train(parent.path(), &["--resume", "chosen", "--seeds", "2"]);
    let folder = parent.path().join("chosen");
    let runs = runs(&folder);
    assert_eq!(runs.len(), 4);
    for run in &runs {
        let is_chosen = run.contains(r#""chosen_strengths":[{"#);
        assert_eq!(is_chosen, run.contains(r#""method":"si""#), "{run}");
    }
    let read = |file: &str| fs::read_to_string(folder.join(file)).expect(file);
    assert!(read("config.toml").contains("choose_strength = \"chf\""));
    assert!(read("summary.md").contains("Strength that chf chose"));
    assert!(read("summary.json").contains("chosen_strengths"));
}

#[test]
fn few_runs_share_all_cores_and_later_runs_keep_the_number_of_threads() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let one = ["--seeds", "1", "--methods", "si", "--out", "one"];
    train(parent.path(), &[&BUDGET[..], &one].concat());
    train(parent.path(), &["--resume", "one", "--seeds", "2"]);
    assert_eq!(runs(&parent.path().join("one")).len(), 2);
    let config = fs::read_to_string(parent.path().join("one/config.toml")).expect("a config");
    let num_cores = std::thread::available_parallelism().expect("the system tells");
    let all = format!("\nnum_threads = {num_cores}\n");
    assert!(config.contains(&all), "{config}");
}

#[test]
fn the_warnings_of_a_run_are_shown_unless_rust_log_turns_them_off() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let diverging = [
        "split-mnist",
        "--methods",
        "si",
        "--seeds",
        "1",
        "--learning-rate",
        "1e30",
    ];
    let args = [&diverging[..], &BUDGET].concat();
    let warns = |command: &mut Command| {
        let output = command.output().expect("si starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        stderr
            .lines()
            .any(|line| line.starts_with("si, seed 0: warn: "))
    };
    assert!(warns(&mut command(parent.path(), &args)));
    assert!(!warns(command(parent.path(), &args).env("RUST_LOG", "off")));
}

#[test]
fn runs_in_one_process_have_the_same_bits_as_each_in_its_own() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let args = ["--threads", "1", "--seeds", "1", "--out", "mine"];
    train(parent.path(), &[&BUDGET[..], &args].concat());
    let expected = runs(&parent.path().join("mine"));
    assert_eq!(expected.len(), 2);

    let first = "{\"runs\":[[\"none\",0]]}";
    let mut worker = command(parent.path(), &["worker", "--", "mine", first])
        .env("RAYON_NUM_THREADS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a worker starts");
    let mut stdin = worker.stdin.take();
    let mut found = Vec::new();
    for line in BufReader::new(worker.stdout.take().expect("it is a pipe")).lines() {
        let mut message: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        if let Some(records) = message.get_mut("records") {
            let record = &mut records[0];
            let fields = record.as_object_mut().expect("a record has fields");
            fields.remove("elapsed_seconds").expect("it was timed");
            found.push(record.to_string());
            match found.len() {
                1 => {
                    let request = b"{\"runs\":[[\"si\",0]]}\n";
                    let written = stdin.as_mut().map(|stdin| stdin.write_all(request));
                    written.expect("it is open").expect("it is read");
                }
                _ => stdin = None,
            }
        }
    }
    assert!(worker.wait().expect("it ends").success());
    found.sort();
    assert_eq!(found, expected);
}

/// The other tests give the program a folder with MNIST.
#[cfg(feature = "mnist")]
#[test]
fn mnist_comes_with_the_program() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let budget = [
        &["split-mnist"],
        &BUDGET[..],
        &["--seeds", "1", "--methods", "si", "--tasks", "2", "--out"],
    ]
    .concat();
    succeed(parent.path(), &[&budget[..], &["from-folder"]].concat());
    let mut alone = command(parent.path(), &[&budget[..], &["alone"]].concat());
    let output = alone.env_remove(DATA_DIR).output().expect("si starts");
    assert!(output.status.success(), "{}", failure(&output));
    assert_eq!(
        runs(&parent.path().join("alone")),
        runs(&parent.path().join("from-folder"))
    );
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
        let rest = ["--seeds", "1", "--methods", "si", "--out", &folder];
        train(parent.path(), &[&BUDGET[..], &settings, &rest].concat());
        assert_eq!(runs(&parent.path().join(&folder)).len(), 1);
    }
}

/// Permuted MNIST with as little training as possible.
const PERMUTED: [&str; 15] = [
    "permuted-mnist",
    "--device",
    "flex",
    "--tasks",
    "2",
    "--epochs",
    "1",
    "--hidden-sizes",
    "8,4",
    "--batch-size",
    "500",
    "--train-images",
    "2000",
    "--train-evaluated",
    "100",
];

#[test]
fn every_method_trains_on_permuted_mnist_and_the_seed_decides_dropout_too() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    // A progressive network needs to be told the task.
    let others = METHODS.iter().filter(|it| it.key != "progressive");
    let others = others.map(|method| {
        let needed = method.parameters.iter().filter(|it| it.default.is_none());
        let needed: String = needed.map(|it| format!(":{}=10", it.key)).collect();
        format!("{}{needed}", method.key)
    });
    let specs: Vec<String> = others.chain(["si+dropout".to_string()]).collect();
    let methods = ["--methods", &specs.join(","), "--importance-images", "50"];
    for out in ["first", "second"] {
        succeed(
            parent.path(),
            &[&PERMUTED[..], &methods, &["--out", out]].concat(),
        );
    }
    let first = runs(&parent.path().join("first"));
    assert_eq!(first, runs(&parent.path().join("second")));
    assert_eq!(first.len(), specs.len());
    let of = |name: &str| {
        let records = first.iter().map(|line| serde_json::from_str(line));
        let mut records = records.map(|record: Result<Value, _>| record.expect("a record"));
        let found = records.find(|record| record["condition"]["name"] == name);
        found.expect("every condition has run")
    };
    assert_ne!(of("none")["epochs"], of("dropout")["epochs"]);
    assert_ne!(of("si+dropout")["epochs"], of("dropout")["epochs"]);
    let layers = of("si")["correlations"].as_array().map(Vec::len);
    assert_eq!(layers, Some(2));
    assert_eq!(of("joint")["accuracy"][0], of("joint")["accuracy"][1]);
}

#[test]
fn sweep_names_the_best_strength_of_each_method() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let search = ["--methods", "si:c=0.1,si:c=1,ewc:lambda=10"];
    let args = [&["sweep"], &PERMUTED[..], &search, &["--out", "sweep"]].concat();
    let stdout = succeed(parent.path(), &args);
    for best in [
        "best on held-out images: si (c = ",
        "best on held-out images: ewc (λ = 10), ",
    ] {
        assert!(stdout.contains(best), "{stdout}");
    }
    let config = fs::read_to_string(parent.path().join("sweep/config.toml")).expect("a config");
    assert!(config.contains("num_held_out = 10000"), "{config}");
}

#[test]
fn repro_makes_the_requested_parts_and_reports_on_them() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let stdout = succeed(
        parent.path(),
        &[
            "repro",
            "--only",
            "fig1,fig2",
            "--out",
            "all",
            "--publish",
            "docs",
        ],
    );
    assert!(stdout.contains("0 claims"), "{stdout}");
    for folder in ["all", "docs"] {
        for file in ["README.md", "repro.html", "schematics/figure2.svg"] {
            assert!(parent.path().join(folder).join(file).is_file(), "{file}");
        }
    }
}

fn succeed(folder: &Path, args: &[&str]) -> String {
    let output = si(folder, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).expect("results in UTF-8")
}
