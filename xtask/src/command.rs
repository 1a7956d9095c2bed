use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

/// The workspace's folder.
pub(crate) fn workspace() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// The variable that lists the features which `cargo run`, `test` and `bench` build with, beside the default ones: for
/// commands of ours that are begun by ours.
const FEATURES: &str = "SI_FEATURES";

/// Features beside those of backends, which are for si-core alone.
const OTHERS: [&str; 2] = ["remote", "train"];

/// The backends, each of which is a feature.
const BACKENDS: [&str; 9] = [
    "flex", "ndarray", "cpu", "wgpu", "vulkan", "metal", "webgpu", "cuda", "rocm",
];

static BUILT_WITH: OnceLock<String> = OnceLock::new();

/// Has [`command`] build with these features, where no command of ours has said so already. To be called before it.
///
/// # Errors
///
/// If one of them is not a feature, before cargo says so in its own terms.
pub(crate) fn build_with(features: &str) -> Result<()> {
    let given = env::var(FEATURES).ok().filter(|given| !given.is_empty());
    let features = given.unwrap_or_else(|| features.to_string());
    for feature in features.split(',') {
        ensure!(
            OTHERS.contains(&feature) || BACKENDS.contains(&feature),
            "no backend is called {feature:?}; there are {}",
            BACKENDS.join(", ")
        );
    }
    let built_with = BUILT_WITH.get_or_init(|| features.clone());
    debug_assert_eq!(*built_with, features, "a command was made before");
    Ok(())
}

/// A command in the workspace's folder, from a line of words that hold no spaces.
pub(crate) fn command(line: &str) -> Result<Command> {
    let mut arguments = line.split_whitespace();
    let program = arguments.next().context("a command has a name")?;
    let features = BUILT_WITH.get_or_init(|| env::var(FEATURES).unwrap_or_default());
    let mut command = Command::new(program);
    command.current_dir(workspace()).env(FEATURES, features);
    let builds = |action: &str| ["run", "test", "bench"].contains(&action) && !features.is_empty();
    let action = arguments.next();
    command.args(action);
    if action.is_some_and(builds) {
        command.args(["--features", features]);
        // A feature is one of the whole workspace's, of which a package by itself may lack some.
        let line = line.replace("-p si-cli", "--bin si");
        command.args(line.split_whitespace().skip(2));
    } else {
        command.args(arguments);
    }
    Ok(command)
}

/// Removes what an earlier command left in a folder below the workspace's, if it is there.
pub(crate) fn clear(folder: &str) -> Result<()> {
    let folder = workspace().join(folder);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).context(format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Runs a command, whose output goes where ours does, and says how long it took.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let line = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ");
    println!("\n$ {line}");
    let start = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("cannot run `{line}`"))?;
    println!("[{:.0} s]", start.elapsed().as_secs_f64());
    ensure!(status.success(), "`{line}` failed: {status}");
    Ok(())
}
