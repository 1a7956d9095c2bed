//! Compiled and tuned kernels are kept for all processes. These tests need a Vulkan device; Mesa's lavapipe, which emulates
//! one on the processor, will do.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::crash::{kill, start};
use crate::{command, failure};

/// The variable with the folder for caches.
const CACHES: &str = "XDG_CACHE_HOME";

/// A few steps, whose kernels take much longer to compile.
fn training(parent: &Path, out: &str) -> Command {
    let args = [
        "split-mnist",
        "--device",
        "vulkan",
        "--methods",
        "si",
        "--seeds",
        "1",
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
    command.env(CACHES, parent.join("caches"));
    command
}

/// What `si devices` says about kernels: "… compiled, … tuned, … in FILE".
fn kept(parent: &Path) -> String {
    let mut devices = command(parent, &["devices"]);
    let output = devices.env(CACHES, parent.join("caches")).output();
    let output = output.expect("si starts");
    assert!(output.status.success(), "{}", failure(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let kept = lines.find_map(|line| line.strip_prefix("kept for later runs: "));
    kept.expect("it says what is kept").to_string()
}

/// The numbers of compiled and of tuned kernels.
fn counts(kept: &str) -> [u64; 2] {
    let number = |word: &str| {
        let (before, _) = kept.split_once(word).expect("it is counted");
        let number = before.rsplit(' ').next();
        number
            .and_then(|number| number.parse().ok())
            .expect("a number")
    };
    [number(" compiled"), number(" tuned")]
}

fn succeed(mut training: Command) {
    let output = training.output().expect("si starts");
    assert!(output.status.success(), "{}", failure(&output));
}

#[test]
fn two_processes_at_a_time_share_kernels_and_a_later_one_compiles_and_tunes_none() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    assert_eq!(kept(parent.path()), "none yet");
    let both = ["first", "second"].map(|out| {
        let mut training = training(parent.path(), out);
        training.stdout(Stdio::piped()).stderr(Stdio::piped());
        training.spawn().expect("si starts")
    });
    for process in both {
        let output = process.wait_with_output().expect("it is our child");
        assert!(output.status.success(), "{}", failure(&output));
    }
    let by_both = kept(parent.path());
    let [compiled, tuned] = counts(&by_both);
    assert!(compiled > 0 && tuned > 0, "{by_both}");
    let folder = parent.path().join("caches/synaptic-intelligence/kernels");
    assert!(by_both.contains(&folder.display().to_string()), "{by_both}");

    succeed(training(parent.path(), "third"));
    assert_eq!(kept(parent.path()), by_both);
}

#[test]
fn a_process_that_is_killed_while_it_compiles_spoils_no_kernels() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    for index in 0..3 {
        let mut process = start(&mut training(parent.path(), &format!("killed-{index}")));
        thread::sleep(Duration::from_secs(2 + index));
        kill(&mut process);
    }
    succeed(training(parent.path(), "first"));
    let kept_by_all = kept(parent.path());
    succeed(training(parent.path(), "second"));
    assert_eq!(kept(parent.path()), kept_by_all);
}
