//! The output of `si metrics` for stored runs.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::{failure, si};

const CONFIG: &str = "\
experiment = \"split-mnist\"
device = \"flex\"
methods = [\"none\", \"si:c=1\"]
num_seeds = 1
";

/// A run of one task with one epoch.
fn record(name: &str, parameters: &str) -> String {
    format!(
        "{{\"condition\":{{\"name\":\"{name}\",\"method\":\"{name}\",\"parameters\":{parameters}}},\
         \"seed\":0,\"accuracy\":[[0.75]],\"train_accuracy\":[[1.0]],\
         \"initial_accuracy\":[0.5],\"epochs\":[{{\"task\":0,\"epoch\":0,\"task_loss\":0.25,\
         \"penalty\":null,\"penalty_share\":null}}],\"inert\":false,\"elapsed_seconds\":1.0,\
         \"device\":\"flex\",\"versions\":{{\"si\":\"0.1.0\",\"burn\":\"0.22.1\"}}}}\n"
    )
}

fn store(folder: &Path, name: &str) {
    let run = folder.join(name);
    fs::create_dir(&run).expect("a folder");
    fs::write(run.join("config.toml"), CONFIG).expect("a file");
    let records = record("none", "{}") + &record("si", "{\"c\":1.0,\"xi\":0.001}");
    fs::write(run.join("runs.jsonl"), records).expect("a file");
}

fn metrics(folder: &Path, args: &[&str]) -> String {
    let output = si(folder, &[&["metrics"], args].concat());
    assert!(output.status.success(), "{}", failure(&output));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_run_is_printed_as_a_table() {
    let folder = TempDir::new().expect("temporary folder");
    store(folder.path(), "mine");
    let wanted = "\
        run,experiment,condition,strength,seed,step,task,epoch,task_loss,penalty,penalty_share,\
        average_accuracy,train_average_accuracy,accuracy_task_1,train_accuracy_task_1\r\n\
        ,split-mnist,none,0,0,0,,,,,,,,0.5,\r\n\
        ,split-mnist,none,0,0,1,1,1,0.25,,,0.75,1,0.75,1\r\n\
        ,split-mnist,si,1,0,0,,,,,,,,0.5,\r\n\
        ,split-mnist,si,1,0,1,1,1,0.25,,,0.75,1,0.75,1\r\n";
    assert_eq!(metrics(folder.path(), &["mine"]), wanted);
    let printed = metrics(folder.path(), &["mine", "--output", "tables"]);
    let file = Path::new("tables").join("metrics.csv");
    assert_eq!(printed, format!("wrote {}\n", file.display()));
    let written = fs::read_to_string(folder.path().join(file)).expect("a file");
    assert_eq!(written, wanted);
}

#[test]
fn several_runs_are_told_apart() {
    let folder = TempDir::new().expect("temporary folder");
    store(folder.path(), "first");
    store(folder.path(), "second");
    let printed = metrics(folder.path(), &["first", "second", "--format", "jsonl"]);
    let runs: Vec<String> = printed
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            line["run"].as_str().expect("a name").to_string()
        })
        .collect();
    let wanted = [["first"; 4], ["second"; 4]].concat();
    assert_eq!(runs, wanted);
}

#[test]
fn tensorboard_gets_a_folder_for_each_condition_and_seed() {
    let folder = TempDir::new().expect("temporary folder");
    store(folder.path(), "first");
    store(folder.path(), "second");
    let events = "events.out.tfevents.0000000000.si";
    let path = |parts: &[&str]| parts.iter().collect::<std::path::PathBuf>().join(events);

    let args = ["first", "second", "--format", "tensorboard"];
    let printed = metrics(folder.path(), &args);
    let wanted = [
        path(&["first", "tensorboard", "none-seed0"]),
        path(&["first", "tensorboard", "si-seed0"]),
        path(&["second", "tensorboard", "none-seed0"]),
        path(&["second", "tensorboard", "si-seed0"]),
    ];
    let lines = wanted.map(|path| format!("wrote {}\n", path.display()));
    assert_eq!(printed, lines.concat());

    let printed = metrics(folder.path(), &[&args[..], &["--output", "all"]].concat());
    let wanted = [
        path(&["all", "first", "none-seed0"]),
        path(&["all", "first", "si-seed0"]),
        path(&["all", "second", "none-seed0"]),
        path(&["all", "second", "si-seed0"]),
    ];
    let lines = wanted
        .each_ref()
        .map(|path| format!("wrote {}\n", path.display()));
    assert_eq!(printed, lines.concat());
    for path in wanted {
        let bytes = fs::read(folder.path().join(path)).expect("a file");
        let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(has(b"train/loss") && has(b"accuracy/task_1"));
    }
}

#[test]
fn a_folder_without_a_run_is_refused() {
    let folder = TempDir::new().expect("temporary folder");
    insta::assert_snapshot!(failure(&si(folder.path(), &["metrics", "missing"])));
}

#[test]
fn a_folder_without_a_finished_run_is_refused() {
    let folder = TempDir::new().expect("temporary folder");
    fs::create_dir(folder.path().join("mine")).expect("a folder");
    fs::write(folder.path().join("mine/config.toml"), CONFIG).expect("a file");
    insta::assert_snapshot!(failure(&si(folder.path(), &["metrics", "mine"])));
}
