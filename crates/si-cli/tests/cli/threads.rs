//! A run keeps its number of threads, whatever the settings and cores when it is resumed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::crash::{checkpoints, kill, start};
use crate::training::runs;
use crate::{DATA_DIR, MNIST, failure, program, si};

/// Two runs, and a checkpoint after every epoch. A record stores the number of threads of its run, so records are equal
/// only if these numbers are.
const BUDGET: [&str; 20] = [
    "split-mnist",
    "--device",
    "flex",
    "--seeds",
    "1",
    "--methods",
    "si,ewc:lambda=10",
    "--importance-images",
    "50",
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
    "--out",
];

/// A folder whose runs were interrupted, with the flags that divide the cores.
fn interrupted(folder: &Path, flags: &[&str]) {
    let mut command = program();
    command.args(BUDGET).arg(folder).args(flags);
    let mut process = start(&mut command);
    while checkpoints(folder, "ckpt").is_empty() {
        let ended = process.try_wait().expect("it is our child");
        assert!(ended.is_none(), "it ended before its first checkpoint");
        thread::sleep(Duration::from_millis(1));
    }
    assert!(kill(&mut process), "it was interrupted");
}

/// The records of the folder's runs, after going on with these words before the program's name and flags
/// behind it.
fn resumed(folder: &Path, before: &[&str], flags: &[&str]) -> Vec<String> {
    let program = env!("CARGO_BIN_EXE_si");
    let words: Vec<&str> = before.iter().copied().chain([program]).collect();
    let output = Command::new(words[0])
        .args(&words[1..])
        .args(["split-mnist", "--resume"])
        .arg(folder)
        .args(flags)
        .env(DATA_DIR, &*MNIST)
        .env("XDG_RUNTIME_DIR", std::env::temp_dir())
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", failure(&output));
    runs(folder)
}

fn whole(folder: &Path, flags: &[&str]) -> Vec<String> {
    let path = folder.display().to_string();
    let output = si(Path::new("."), &[&BUDGET[..], &[&path], flags].concat());
    assert!(output.status.success(), "{}", failure(&output));
    runs(folder)
}

#[test]
fn run_resumed_with_other_numbers_of_jobs_and_cores_gives_the_same_bits() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let expected = whole(
        &parent.path().join("whole"),
        &["--jobs", "2", "--threads", "2"],
    );
    assert!(expected[0].contains("\"num_threads\":2"), "{}", expected[0]);
    for (index, (before, flags)) in [
        (&[][..], &["--jobs", "1"][..]),
        (&["taskset", "-c", "0"], &[]),
        (&["env", "RAYON_NUM_THREADS=1"], &["--jobs", "3"]),
    ]
    .into_iter()
    .enumerate()
    {
        if let [program @ "taskset", ..] = before
            && Command::new(program).arg("-V").output().is_err()
        {
            continue;
        }
        let folder = parent.path().join(index.to_string());
        interrupted(&folder, &["--jobs", "2", "--threads", "2"]);
        assert_eq!(resumed(&folder, before, flags), expected, "{before:?}");
    }
}

#[test]
fn default_number_of_threads_is_kept_when_a_run_resumes_with_other_jobs() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let expected = whole(&parent.path().join("whole"), &["--jobs", "2"]);
    let folder = parent.path().join("interrupted");
    interrupted(&folder, &["--jobs", "2"]);
    assert_eq!(resumed(&folder, &[], &["--jobs", "1"]), expected);
}

#[test]
fn resume_with_another_number_of_threads_is_refused_and_changes_no_byte() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let folder = parent.path().join("mine");
    interrupted(&folder, &["--threads", "2"]);
    let before = files(&folder);
    let flags = ["--threads", "1", "--jobs", "5", "--seeds", "7"];
    let output = si(
        parent.path(),
        &[&["split-mnist", "--resume", "mine"], &flags[..]].concat(),
    );
    insta::assert_snapshot!(failure(&output));
    assert!(files(&folder) == before, "nothing has changed");
    let zero = ["split-mnist", "--resume", "mine", "--jobs", "0"];
    insta::assert_snapshot!("resume_with_no_jobs", failure(&si(parent.path(), &zero)));
    assert!(files(&folder) == before, "nothing has changed");
}

#[test]
fn folder_without_a_thread_count_resumes_with_that_of_its_checkpoints() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let flags = ["--jobs", "2", "--threads", "2"];
    let expected = whole(&parent.path().join("whole"), &flags);
    let folder = parent.path().join("old");
    interrupted(&folder, &flags);
    // An old folder, which does not store the number of threads.
    let path = folder.join("config.toml");
    let config = fs::read_to_string(&path).expect("a config");
    let old = config.replace("num_threads = 2\n", "");
    assert_ne!(old, config);
    fs::write(&path, old).expect("write");
    let before = files(&folder);

    let resume = ["split-mnist", "--resume", "old"];
    let other = si(parent.path(), &[&resume[..], &["--threads", "1"]].concat());
    assert!(failure(&other).contains("was started with 2 thread(s)"));
    assert!(files(&folder) == before, "nothing has changed");

    let output = si(parent.path(), &[&resume[..], &["--jobs", "1"]].concat());
    let said = "old does not store the number of threads of its runs; they continue with 2, as in its checkpoints";
    assert!(failure(&output).contains(said), "{}", failure(&output));
    assert_eq!(runs(&folder), expected);
}

/// Every file below a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            let bytes = fs::read(&path).expect("a file");
            files.insert(path, bytes);
        }
    }
    files
}
