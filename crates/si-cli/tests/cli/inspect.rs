use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::crash::{checkpoints, kill, spawn};
use crate::{failure, si};

fn folder() -> TempDir {
    TempDir::new().expect("temporary folder")
}

fn refused(name: &str, bytes: &[u8]) -> String {
    let folder = folder();
    fs::write(folder.path().join(name), bytes).expect("file");
    failure(&si(folder.path(), &["inspect", name]))
}

#[test]
fn a_missing_file_is_refused() {
    let folder = folder();
    insta::assert_snapshot!(failure(&si(folder.path(), &["inspect", "missing.ckpt"])));
}

#[test]
fn a_file_of_another_kind_is_refused() {
    insta::assert_snapshot!(refused("letter.ckpt", b"a letter to a friend"));
}

#[test]
fn a_checkpoint_that_is_cut_off_is_refused() {
    insta::assert_snapshot!(refused("short.ckpt", b"\x89SYN"));
}

#[test]
fn a_record_that_is_cut_off_is_refused() {
    insta::assert_snapshot!(refused("short.bpk", b"NRUB\x01\0\xff\0\0\0"));
}

#[test]
fn help_of_inspect() {
    let folder = folder();
    let output = si(folder.path(), &["inspect", "--help"]);
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_checkpoint_of_an_unfinished_run_is_shown_and_drawn() {
    let folder = folder();
    let checkpoint = interrupted(folder.path());
    let file = checkpoint.to_string_lossy();
    let output = si(folder.path(), &["inspect", &file, "--output", "figures"]);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", failure(&output));
    for expected in [
        "Optimizer   Adam or AdamW",
        "Settings    damping 0.001, strength 1",
        "wrote figures/importance.svg",
        "wrote figures/importance.png",
    ] {
        assert!(stdout.contains(expected), "{stdout}");
    }
    for name in ["importance.svg", "importance.png"] {
        assert!(folder.path().join("figures").join(name).is_file());
    }
}

/// Trains until there is a checkpoint of Synaptic Intelligence, then stops.
fn interrupted(folder: &Path) -> PathBuf {
    let run = folder.join("run");
    let newest = || {
        let mut files = checkpoints(&run, "ckpt");
        files.retain(|file| file.parent().is_some_and(|run| run.ends_with("si-0")));
        files.sort();
        files.pop()
    };
    let mut process = spawn(&run);
    while newest().is_none() {
        assert!(process.try_wait().expect("it is our child").is_none());
        thread::sleep(Duration::from_millis(1));
    }
    assert!(kill(&mut process));
    newest().expect("one takes the place of the other")
}
