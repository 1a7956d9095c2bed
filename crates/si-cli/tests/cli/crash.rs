//! A run that is killed again and again ends with the same result as one that never was killed.

use std::collections::HashSet;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::program;
use crate::training::runs;

/// Two methods, each in a separate process with one thread, and a checkpoint after every epoch.
const BUDGET: [&str; 26] = [
    "--device",
    "flex",
    "--jobs",
    "2",
    "--threads",
    "1",
    "--seeds",
    "1",
    "--methods",
    "si,ewc:lambda=10",
    "--importance-images",
    "20",
    "--record-correlations",
    "true",
    "--tasks",
    "3",
    "--epochs",
    "6",
    "--hidden-sizes",
    "32",
    "--batch-size",
    "20",
    "--train-images",
    "200",
    "--checkpoint-seconds",
    "0",
];

const NUM_KILLS: usize = 50;

/// Largest number of checkpoints that are written before a kill interrupts one.
const MAX_SKIPPED: f64 = 16.0;

#[test]
fn run_that_is_killed_fifty_times_has_the_same_record_as_an_undisturbed_one() {
    let parent = tempfile::tempdir().expect("a folder can be made");
    let whole = parent.path().join("whole");
    let start = Instant::now();
    let status = spawn(&whole).wait().expect("si ends");
    assert!(status.success());
    let duration = start.elapsed();
    let expected = runs(&whole);
    assert_eq!(expected.len(), 2);

    let mut random = Random(7);
    let (mut num_kills, mut num_folders) = (0, 0);
    let (mut num_resumed, mut num_in_writing) = (0, 0);
    while num_kills < NUM_KILLS {
        let folder = parent.path().join(format!("killed-{num_folders}"));
        num_folders += 1;
        // Until one process is not killed and ends.
        loop {
            let resumes = !checkpoints(&folder, "ckpt").is_empty();
            let before = drafts(&folder);
            let mut process = spawn(&folder);
            if num_kills == NUM_KILLS {
                assert!(process.wait().expect("si ends").success());
                break;
            }
            match num_kills % 3 {
                0 => {
                    let num_skipped = (MAX_SKIPPED * random.share()) as usize;
                    wait_for_draft(&folder, &mut process, &before, num_skipped);
                }
                _ => thread::sleep(duration.mul_f64(random.share())),
            }
            if !kill(&mut process) {
                break;
            }
            num_kills += 1;
            num_resumed += usize::from(resumes);
            num_in_writing += usize::from(drafts(&folder).iter().any(|it| !before.contains(it)));
        }
        assert_eq!(runs(&folder), expected, "after {num_kills} kills");
        let left = folder.join("checkpoints");
        let left = fs::read_dir(left).map_or(0, Iterator::count);
        assert_eq!(left, 0, "no checkpoint outlives its run");
    }
    assert!(num_resumed >= 10, "{num_resumed} of the killed had resumed");
    assert!(
        num_in_writing >= 5,
        "{num_in_writing} were writing a checkpoint"
    );
}

/// Starts or resumes the run, in a separate process group.
pub(crate) fn spawn(folder: &Path) -> Child {
    let mut command = program();
    command.arg("split-mnist");
    // A run that was killed before it wrote its config has not started.
    if folder.join("config.toml").exists() {
        command.arg("--resume").arg(folder)
    } else {
        command.args(BUDGET).arg("--out").arg(folder)
    };
    start(&mut command)
}

/// Starts a program without output, in a separate process group.
pub(crate) fn start(command: &mut Command) -> Child {
    command
        .process_group(0)
        .env("XDG_RUNTIME_DIR", std::env::temp_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("si starts")
}

/// Kills the process and its workers at the same time. Returns whether it was still running; if not, it must have ended
/// successfully.
pub(crate) fn kill(process: &mut Child) -> bool {
    if let Some(status) = process.try_wait().expect("it is our child") {
        assert!(status.success(), "{status}");
        return false;
    }
    let group = format!("-{}", process.id());
    let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
    assert!(killed.expect("there is a program kill").success());
    // It may have ended in the meantime.
    !process.wait().expect("it is our child").success()
}

/// Returns as soon as a checkpoint is being written, after others, or the process has ended. What was
/// there `before` was left by the last kill, and is written over in its time.
fn wait_for_draft(
    folder: &Path,
    process: &mut Child,
    before: &[(PathBuf, Option<u64>)],
    num_skipped: usize,
) {
    let mut seen = HashSet::new();
    while process.try_wait().expect("it is our child").is_none() {
        let new = drafts(folder).into_iter();
        seen.extend(new.filter(|it| !before.contains(it)).map(|(path, _)| path));
        if seen.len() > num_skipped {
            return;
        }
        thread::sleep(Duration::from_micros(200));
    }
}

/// The drafts of checkpoints, with their sizes.
fn drafts(folder: &Path) -> Vec<(PathBuf, Option<u64>)> {
    let sized = |path: PathBuf| {
        let size = fs::metadata(&path).map(|metadata| metadata.len());
        (path, size.ok())
    };
    let drafts = checkpoints(folder, "draft").into_iter();
    drafts.map(sized).collect()
}

/// The files of all runs' checkpoints that have this extension.
pub(crate) fn checkpoints(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten();
        entries.map_while(Result::ok).map(|it| it.path()).collect()
    };
    let runs = entries(&folder.join("checkpoints"));
    let files = runs.iter().flat_map(|run| entries(run));
    files
        .filter(|file| file.extension().is_some_and(|found| found == extension))
        .collect()
}

/// Numbers that look random but are the same every time: SplitMix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    /// A share in `[0, 1)`.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
