//! An experiment that several processes share.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::crash::{checkpoints, start};
use crate::training::records;
use crate::{command, failure, si};

/// Two methods at three seeds, with as little training as possible.
const BUDGET: [&str; 17] = [
    "split-mnist",
    "--device",
    "flex",
    "--threads",
    "1",
    "--seeds",
    "3",
    "--tasks",
    "2",
    "--epochs",
    "1",
    "--hidden-sizes",
    "4",
    "--train-images",
    "400",
    "--batch-size",
    "200",
];

fn succeed(folder: &Path, args: &[&str]) -> Output {
    let output = si(folder, args);
    assert!(output.status.success(), "{}", failure(&output));
    output
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The experiment in one process, in the folder `whole`.
fn make_whole(parent: &Path) {
    succeed(parent, &[&BUDGET[..], &["--out", "whole"]].concat());
}

/// What a folder's report says, without times and the names of files.
fn report(parent: &Path, folder: &str) -> [String; 3] {
    let table = stdout(&succeed(parent, &["report", folder]));
    let lines = table.lines().filter(|line| !line.starts_with("wrote "));
    let read = |file: &str| fs::read_to_string(parent.join(folder).join(file)).expect(file);
    let mut summary: Value = serde_json::from_str(&read("summary.json")).expect("JSON");
    for condition in summary["conditions"].as_array_mut().expect("a list") {
        let condition = condition.as_object_mut().expect("an object");
        condition.remove("seconds").expect("it was timed");
    }
    [
        lines.collect::<Vec<_>>().join("\n"),
        summary.to_string(),
        read("figure.svg"),
    ]
}

#[test]
fn two_shards_at_once_make_the_report_of_one_process() {
    let parent = TempDir::new().expect("temporary folder");
    make_whole(parent.path());
    let processes = ["1/2", "2/2"].map(|shard| {
        let args = [&BUDGET[..], &["--out", "shared", "--shard", shard]].concat();
        command(parent.path(), &args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("si starts")
    });
    for process in processes {
        let output = process.wait_with_output().expect("si ends");
        assert!(output.status.success(), "{}", failure(&output));
    }
    let shared = parent.path().join("shared");
    assert!(
        shared.join("summary.json").is_file(),
        "the last one makes the report"
    );
    assert!(!shared.join("runs.jsonl").exists());
    let [first, second] =
        ["runs.1-of-2.jsonl", "runs.2-of-2.jsonl"].map(|file| records(&shared.join(file)));
    assert_eq!((first.len(), second.len()), (4, 2));
    let mut both = [first, second].concat();
    both.sort();
    assert_eq!(both, records(&parent.path().join("whole/runs.jsonl")));

    let status = succeed(parent.path(), &["status", "shared"]);
    assert_eq!(
        stdout(&status),
        "split-mnist in shared: 6 of 6 runs done\n  none  3 of 3 done\n  si    3 of 3 done\n"
    );
    assert_eq!(
        report(parent.path(), "shared"),
        report(parent.path(), "whole")
    );
}

#[test]
fn a_shard_alone_tells_what_is_missing_and_makes_no_report() {
    let parent = TempDir::new().expect("temporary folder");
    let second = [&BUDGET[..], &["--out", "shared", "--shard", "2/2"]].concat();
    let said = failure(&succeed(parent.path(), &second));
    assert!(
        said.contains("4 of 6 runs, of other shards, are missing"),
        "{said}"
    );
    assert!(said.contains("si report shared"), "{said}");
    let shared = parent.path().join("shared");
    assert!(!shared.join("summary.json").exists());

    let status = si(parent.path(), &["status", "shared"]);
    assert_eq!(
        stdout(&status),
        "split-mnist in shared: 2 of 6 runs done\n  \
           none  1 of 3 done: 1; missing: 0, 2\n  \
           si    1 of 3 done: 1; missing: 0, 2\n"
    );
    assert_eq!(failure(&status), "exit code 1\n4 of 6 runs are missing\n");
    let list = si(parent.path(), &["status", "--list", "shared"]);
    let expected = ["none\t0", "si\t0", "none\t2", "si\t2"].map(|run| format!("{run}\tshared\n"));
    assert_eq!(stdout(&list), expected.concat());
    assert_eq!(list.status.code(), Some(1));

    // Any other division of what is missing will do.
    let rest = ["split-mnist", "--resume", "shared", "--shard"];
    let empty = failure(&succeed(parent.path(), &[&rest[..], &["4/4"]].concat()));
    assert!(
        empty.contains(
            "nothing to do: shard 4/4 has no seed, because the experiment has 3 (--seeds)"
        ),
        "{empty}"
    );
    succeed(parent.path(), &[&rest[..], &["1/1"]].concat());
    assert!(shared.join("summary.json").is_file());
    succeed(parent.path(), &["status", "shared"]);
}

#[test]
fn folders_that_were_made_apart_are_merged_to_the_report_of_one_process() {
    let parent = TempDir::new().expect("temporary folder");
    make_whole(parent.path());
    for (folder, shard) in [("here", "1/2"), ("there", "2/2")] {
        let args = [&BUDGET[..], &["--out", folder, "--shard", shard]].concat();
        succeed(parent.path(), &args);
    }
    let merge = ["merge", "there", "here", "--out", "both"];
    let merged = succeed(parent.path(), &merge);
    assert_eq!(stdout(&merged), "wrote both, with 6 of 6 runs\n");
    assert_eq!(
        report(parent.path(), "both"),
        report(parent.path(), "whole")
    );

    let again = failure(&si(parent.path(), &merge));
    assert!(again.starts_with("exit code 2\n"), "{again}");
    assert!(again.contains("both already holds a run"), "{again}");
}

#[test]
fn the_shard_of_a_scheduler_is_told_with_its_variables() {
    let parent = TempDir::new().expect("temporary folder");
    let args = [&BUDGET[..], &["--out", "shared", "--shard", "auto"]].concat();
    let auto = || {
        let mut command = command(parent.path(), &args);
        for name in [
            "SLURM_ARRAY_TASK_ID",
            "AWS_BATCH_JOB_ARRAY_INDEX",
            "JOB_COMPLETION_INDEX",
            "SI_SHARDS",
        ] {
            command.env_remove(name);
        }
        command
    };
    let none = failure(&auto().output().expect("si starts"));
    assert!(none.starts_with("exit code 2\n"), "{none}");
    assert!(none.contains("--shard auto finds none of "), "{none}");
    assert!(!parent.path().join("shared").exists());

    // There are three seeds, so this shard is quickly done.
    let last = auto()
        .env("JOB_COMPLETION_INDEX", "3")
        .env("SI_SHARDS", "4")
        .output()
        .expect("si starts");
    let last = failure(&last);
    assert!(last.starts_with("exit code 0\n"), "{last}");
    assert!(
        last.contains("shard 4/4, from JOB_COMPLETION_INDEX = 3 (from 0) of SI_SHARDS = 4\n"),
        "{last}"
    );
}

#[test]
fn a_shard_without_a_common_folder_or_outside_its_range_is_refused() {
    let parent = TempDir::new().expect("temporary folder");
    for (args, expected) in [
        (&["--shard", "1/2"][..], "give each the same --out DIR"),
        (
            &["--shard", "1/2", "--resume"],
            "give each the same --out DIR",
        ),
        (
            &["--shard", "3/2", "--out", "x"],
            "there is no shard 3 of 2",
        ),
        (&["--shard", "2", "--out", "x"], "\"2\" is not a shard"),
    ] {
        let refused = failure(&si(parent.path(), &[&BUDGET[..], args].concat()));
        assert!(refused.starts_with("exit code 2\n"), "{refused}");
        assert!(refused.contains(expected), "{refused}");
    }
    assert_eq!(fs::read_dir(parent.path()).expect("readable").count(), 0);
}

/// Two runs that take a while, with a checkpoint after every epoch.
const LONG: [&str; 19] = [
    "split-mnist",
    "--device",
    "flex",
    "--threads",
    "1",
    "--seeds",
    "1",
    "--tasks",
    "2",
    "--epochs",
    "6",
    "--hidden-sizes",
    "256,256",
    "--train-images",
    "2000",
    "--checkpoint-seconds",
    "0",
    "--shard",
    "1/1",
];

/// A scheduler may stop only the first process of a task, or all.
#[test]
fn a_shard_that_is_terminated_leaves_checkpoints_and_goes_on_from_them() {
    let parent = TempDir::new().expect("temporary folder");
    fn run(folder: &str) -> Vec<&str> {
        [&LONG[..], &["--out", folder]].concat()
    }
    succeed(parent.path(), &run("whole"));
    let file = "runs.1-of-1.jsonl";
    let expected = records(&parent.path().join("whole").join(file));
    for (name, group) in [("one", ""), ("all", "-")] {
        let folder = parent.path().join(name);
        let mut process = start(&mut command(parent.path(), &run(name)));
        while checkpoints(&folder, "ckpt").is_empty() {
            let ended = process.try_wait().expect("it is our child");
            assert!(ended.is_none(), "it ended before its first checkpoint");
            thread::sleep(Duration::from_millis(1));
        }
        let target = format!("{group}{}", process.id());
        let sent = Command::new("kill").args(["-TERM", "--", &target]).status();
        assert!(sent.expect("there is a program kill").success());
        let status = process.wait().expect("it is our child");
        assert_eq!(status.code(), Some(130), "{status}");
        assert!(!checkpoints(&folder, "ckpt").is_empty());
        let status = si(parent.path(), &["status", name]);
        assert_eq!(status.status.code(), Some(1));
        assert!(
            stdout(&status).contains("; begun: 0"),
            "{}",
            stdout(&status)
        );

        succeed(parent.path(), &run(name));
        assert_eq!(records(&folder.join(file)), expected);
        assert!(checkpoints(&folder, "ckpt").is_empty());
    }
}
