//! Compiled and tuned kernels are kept for all processes. These tests need a Vulkan device; Mesa's lavapipe, which emulates
//! one on the processor, will do.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use crate::crash::{kill, start};
use crate::{command, failure};

/// The variable with the folder for kernels.
const FOLDER: &str = "SI_KERNEL_CACHE";

/// More bytes than it takes to make the database, and fewer than the kernels of a run have.
const SOME_KERNELS: u64 = 100_000;

/// Two runs of a few steps, whose kernels take much longer to compile.
fn training(parent: &Path, out: &str) -> Command {
    let args = [
        "split-mnist",
        "--device",
        "vulkan",
        "--methods",
        "si",
        "--seeds",
        "2",
        "--tasks",
        "1",
        "--epochs",
        "1",
        "--hidden-sizes",
        "8",
        "--batch-size",
        "32",
        "--train-images",
        "128",
        "--out",
        out,
    ];
    let mut command = command(parent, &args);
    command.env(FOLDER, parent.join("kernels"));
    command
}

/// What `si devices` says about kernels, with this folder for them.
fn kept_in(parent: &Path, folder: &Path) -> String {
    let output = command(parent, &["devices"]).env(FOLDER, folder).output();
    let output = output.expect("si starts");
    assert!(output.status.success(), "{}", failure(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let kept = lines.find_map(|line| line.strip_prefix("kept for later runs: "));
    kept.expect("it says what is kept").to_string()
}

/// The numbers of compiled and of tuned kernels: "… compiled, … tuned, … in FILE".
fn counts(parent: &Path) -> [u64; 2] {
    let kept = kept_in(parent, &parent.join("kernels"));
    let number = |word: &str| {
        let (before, _) = kept.split_once(word).expect("it is counted");
        let number = before.rsplit(' ').next();
        number
            .and_then(|number| number.parse().ok())
            .expect("a number")
    };
    [number(" compiled"), number(" tuned")]
}

fn succeed(mut training: Command) -> Output {
    let output = training.output().expect("si starts");
    assert!(output.status.success(), "{}", failure(&output));
    output
}

/// The lines with warnings about what is kept.
fn warnings(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr);
    let is_about_kernels = |line: &&str| {
        let line = line.to_lowercase();
        let words = ["kernel", "cache", "autotune", "throughput"];
        line.contains("warn: ") && words.iter().any(|word| line.contains(word))
    };
    let lines = text.lines().filter(is_about_kernels);
    lines.map(str::to_string).collect()
}

/// The number of bytes in the files of the folder for kernels.
fn num_bytes(parent: &Path) -> u64 {
    let files = fs::read_dir(parent.join("kernels")).into_iter().flatten();
    let sizes = files.map_while(Result::ok).map(|file| {
        let metadata = file.metadata();
        metadata.map_or(0, |metadata| metadata.len())
    });
    sizes.sum()
}

/// Returns as soon as the process has written some kernels, or has ended.
fn wait_for_kernels(parent: &Path, process: &mut Child) {
    let enough = num_bytes(parent) + SOME_KERNELS;
    while num_bytes(parent) < enough && process.try_wait().expect("it is our child").is_none() {
        thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn two_processes_at_a_time_share_kernels_and_a_later_one_compiles_and_tunes_none() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let parent = parent.path();
    assert_eq!(counts(parent), [0, 0]);
    let both = ["first", "second"].map(|out| {
        let mut training = training(parent, out);
        training.stdout(Stdio::piped()).stderr(Stdio::piped());
        training.spawn().expect("si starts")
    });
    for process in both {
        let output = process.wait_with_output().expect("it is our child");
        assert!(output.status.success(), "{}", failure(&output));
        assert_eq!(warnings(&output), [""; 0]);
    }
    let by_both = counts(parent);
    assert!(by_both.into_iter().all(|count| count > 0), "{by_both:?}");

    succeed(training(parent, "third"));
    assert_eq!(counts(parent), by_both);
}

#[test]
fn a_process_that_is_killed_while_it_writes_kernels_spoils_none() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let parent = parent.path();
    let mut num_killed = 0;
    for index in 0..3 {
        let mut process = start(&mut training(parent, &format!("killed-{index}")));
        wait_for_kernels(parent, &mut process);
        num_killed += usize::from(kill(&mut process));
    }
    assert!(num_killed > 0);
    succeed(training(parent, "first"));
    let by_all = counts(parent);
    assert!(by_all.into_iter().all(|count| count > 0), "{by_all:?}");
    succeed(training(parent, "second"));
    assert_eq!(counts(parent), by_all);
}

#[test]
fn a_folder_that_cannot_be_written_has_one_warning_and_the_runs_go_on() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let taken = parent.path().join("taken");
    fs::write(&taken, "").expect("a file can be written");
    let mut training = training(parent.path(), "run");
    training.env(FOLDER, &taken);
    let warnings = warnings(&succeed(training));
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}");
    };
    let file = taken.join("default.db").display().to_string();
    assert!(warning.contains(&file), "{warning}");
}

#[test]
fn nothing_is_kept_if_that_is_turned_off() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let kept = kept_in(parent.path(), Path::new("off"));
    assert_eq!(kept, "nothing, by your settings");
}
