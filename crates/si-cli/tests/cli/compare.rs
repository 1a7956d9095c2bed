//! A comparison of methods: both phases, the report, and resuming in each of them.

use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::crash::{kill, start};
use crate::training::{records, runs};
use crate::{command, failure, si};

/// Two tasks with as little training as possible, and two trials of each strength.
const BUDGET: [&str; 24] = [
    "compare",
    "split-mnist",
    "--device",
    "flex",
    "--jobs",
    "1",
    "--threads",
    "1",
    "--tasks",
    "2",
    "--epochs",
    "1",
    "--hidden-sizes",
    "16",
    "--train-images",
    "300",
    "--held-out",
    "200",
    "--importance-images",
    "50",
    "--seeds",
    "2",
    "--trials",
    "2",
];

const METHODS: [&str; 2] = ["--methods", "er,si,none,ewc"];

fn succeed(folder: &Path, args: &[&str]) -> String {
    let output = si(folder, args);
    assert!(output.status.success(), "{}", failure(&output));
    String::from_utf8(output.stdout).expect("results in UTF-8")
}

/// The runs in all files of a folder, in order.
fn all_runs(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let files = entries.map(|entry| entry.expect("an entry").path());
    let files = files.filter(|it| it.extension().is_some_and(|it| it == "jsonl"));
    let mut runs: Vec<String> = files.flat_map(|file| records(&file)).collect();
    runs.sort();
    runs
}

fn json(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("compare.json")).expect("it was written");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn comparison_searches_each_strength_equally_often_and_reports_results_and_costs() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let folder = parent.path().join("compared");
    let args = [&BUDGET[..], &METHODS, &["--out", "compared"]].concat();
    let stdout = succeed(parent.path(), &args);
    for part in [
        "none (c = 0)",
        "er (M = 500)",
        "oracle search",
        "compare.json",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    assert_eq!(runs(&folder.join("search")).len(), 2 * 2);
    assert_eq!(runs(&folder.join("final")).len(), 4 * 2);

    let comparison = json(&folder);
    let methods = comparison["methods"].as_array().expect("a list");
    let keys: Vec<&Value> = methods.iter().map(|it| &it["method"]).collect();
    assert_eq!(keys, ["none", "si", "ewc", "er"]);
    // Weights and biases from 784 pixels over 16 units to the classes of two tasks.
    let cost = |index: usize, key: &str| methods[index]["cost"][key].as_f64().expect("a number");
    let num_parameters = f64::from(784 * 16 + 16 + 16 * 4 + 4);
    assert_eq!(cost(0, "bytes"), 0.0);
    for quadratic in [1, 2] {
        assert_eq!(cost(quadratic, "floats_per_parameter"), 2.0);
        assert_eq!(cost(quadratic, "bytes"), 8.0 * num_parameters);
        let tried = &methods[quadratic]["searched"]["tried"];
        assert_eq!(tried.as_array().map(Vec::len), Some(2));
    }
    assert_eq!(cost(2, "measured_images"), 50.0);
    assert_eq!(cost(3, "bytes"), 500.0 * 785.0);
    assert!(cost(3, "extra_forwards") > 0.5);
    assert_eq!(cost(1, "extra_backwards"), 0.0);
    assert!(methods[3]["searched"].is_null());
    for figure in ["accuracy", "stability", "memory"] {
        for extension in ["svg", "png"] {
            let file = folder.join(format!("{figure}.{extension}"));
            assert!(file.is_file(), "{}", file.display());
        }
    }
    // The folders of both phases are ordinary ones.
    let report = succeed(
        parent.path(),
        &["report", "compared/search", "compared/final"],
    );
    assert!(report.contains("ewc"), "{report}");
}

#[test]
fn methods_of_a_file_without_a_strength_are_searched_unless_a_flag_overrides_them() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let settings = "methods = [\"none\", \"si\", \"ewc:lambda=1\"]\n";
    fs::write(parent.path().join("mine.toml"), settings).expect("a writable folder");
    let file = ["--config", "mine.toml"];
    let args = [&BUDGET[..], &file, &["--out", "file"]].concat();
    succeed(parent.path(), &args);
    let folder = parent.path().join("file");
    assert_eq!(runs(&folder.join("search")).len(), 2);
    assert_eq!(runs(&folder.join("final")).len(), 3 * 2);
    let comparison = json(&folder);
    let methods = comparison["methods"].as_array().expect("a list");
    let found = methods.iter().map(|it| {
        let tried = it["searched"]["tried"].as_array().map(Vec::len);
        (it["method"].as_str().expect("a name"), tried)
    });
    let found: Vec<(&str, Option<usize>)> = found.collect();
    let expected = [("none", None), ("si", Some(2)), ("ewc", None)];
    assert_eq!(found, expected);

    let flag = ["--methods", "none", "--out", "flag"];
    succeed(parent.path(), &[&BUDGET[..], &file, &flag].concat());
    let folder = parent.path().join("flag");
    assert!(!folder.join("search").exists());
    assert_eq!(runs(&folder.join("final")).len(), 2);
}

#[test]
fn comparison_without_methods_leaves_out_what_cannot_run_and_adds_replay_in_the_memory_of_si() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let args = [&BUDGET[..], &["--scenario", "class", "--out", "all"]].concat();
    let mut process = start(&mut command(parent.path(), &args));
    let plan = parent.path().join("all/compare.toml");
    wait_until(|| plan.is_file());
    kill(&mut process);
    let plan = fs::read_to_string(plan).expect("it was written");
    assert!(plan.contains("method = \"progressive\""), "{plan}");
    // 8 bytes for each parameter, and 785 bytes for an image.
    let num_parameters = 784 * 16 + 16 + 16 * 4 + 4;
    let size = 8 * num_parameters / 785;
    assert!(
        plan.contains(&format!("equal_memory = \"er:size={size}\"")),
        "{plan}"
    );
}

#[test]
fn comparison_that_is_killed_in_either_phase_ends_with_the_same_records() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let methods = ["--methods", "none,si"];
    let whole = [&BUDGET[..], &methods, &["--out", "whole"]].concat();
    succeed(parent.path(), &whole);

    let folder = parent.path().join("killed");
    let words = [&BUDGET[..], &methods, &["--out", "killed"]].concat();
    let resume = ["compare", "split-mnist", "--resume", "killed"];
    let mut words = &words[..];
    for phase in ["search", "final"] {
        let mut process = start(&mut command(parent.path(), words));
        // As soon as the phase has finished a run, another one is under way or the phase is done.
        let records = folder.join(phase).join("runs.jsonl");
        wait_until(|| records.is_file());
        kill(&mut process);
        words = &resume;
    }
    succeed(parent.path(), &resume);
    for phase in ["search", "final"] {
        let [expected, found] =
            ["whole", "killed"].map(|it| runs(&parent.path().join(it).join(phase)));
        assert_eq!(found, expected, "{phase}");
    }
    let without_times = |name: &str| {
        let mut comparison = json(&parent.path().join(name));
        let methods = comparison["methods"].as_array_mut().expect("a list");
        for method in methods {
            method["seconds"] = Value::Null;
        }
        comparison
    };
    assert_eq!(without_times("killed"), without_times("whole"));

    let other = si(parent.path(), &[&resume[..], &["--trials", "3"]].concat());
    assert_eq!(other.status.code(), Some(2), "{}", failure(&other));
    assert!(
        failure(&other).contains("trials is 2, not 3"),
        "{}",
        failure(&other)
    );

    let lock = File::create(folder.join(".lock")).expect("a file can be made");
    lock.lock().expect("no other program is at work");
    let beside = si(parent.path(), &resume);
    assert!(
        failure(&beside).contains("another program is writing in killed"),
        "{}",
        failure(&beside)
    );
}

#[test]
fn shards_of_a_comparison_make_the_same_as_one_process() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let methods = ["--methods", "none,si", "--search-seeds", "2"];
    succeed(
        parent.path(),
        &[&BUDGET[..], &methods, &["--out", "whole"]].concat(),
    );

    let shard = |shard: &str| {
        let args = ["--out", "shared", "--shard", shard];
        let output = si(parent.path(), &[&BUDGET[..], &methods, &args].concat());
        let said = failure(&output);
        assert!(output.status.success(), "{said}");
        said
    };
    let shared = parent.path().join("shared");
    let search = shard("1/2");
    assert!(
        search.contains("2 of 4 runs, of other shards, are missing (si status shared/search)"),
        "{search}"
    );
    assert!(!shared.join("final").exists());
    // The search is done now, so this shard goes on to the final runs.
    let last = shard("2/2");
    assert!(
        last.contains("2 of 4 runs, of other shards, are missing (si status shared/final)"),
        "{last}"
    );
    assert!(!shared.join("compare.json").exists());
    shard("1/2");

    let both = ["shared", "whole"].map(|name| parent.path().join(name));
    for phase in ["search", "final"] {
        let [shared, whole] = both.clone().map(|folder| all_runs(&folder.join(phase)));
        assert_eq!(shared.len(), 4);
        assert_eq!(shared, whole);
    }
    let [shared, whole] = both.map(|folder| json(&folder)["claims"].clone());
    assert_eq!(shared, whole);

    let other = ["--out", "shared", "--shard", "1/2", "--search-seeds", "3"];
    let other = failure(&si(parent.path(), &[&BUDGET[..], &other].concat()));
    assert!(other.contains("search_seeds is 2, not 3"), "{other}");
    let nowhere = si(parent.path(), &[&BUDGET[..], &["--shard", "1/2"]].concat());
    assert!(failure(&nowhere).contains("give each the same --out DIR"));
}

#[test]
fn a_method_that_is_named_and_cannot_run_is_refused() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let wrong = ["--scenario", "domain", "--methods", "none,progressive"];
    let output = si(parent.path(), &[&BUDGET[..], &wrong].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(
        failure(&output).contains("the method progressive is not possible in split-mnist"),
        "{}",
        failure(&output)
    );
    let left = fs::read_dir(parent.path()).expect("a folder").count();
    assert_eq!(left, 0, "no folder was made");
}

fn wait_until(is_so: impl Fn() -> bool) {
    for _ in 0..60_000 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("it took more than a minute");
}
