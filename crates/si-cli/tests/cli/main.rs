//! Tests of the whole program, as users run it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

mod cifar;
#[cfg(unix)]
mod compare;
#[cfg(unix)]
mod crash;
mod errors;
mod figures;
#[cfg(unix)]
mod frontier;
mod help;
mod images;
#[cfg(unix)]
mod inspect;
#[cfg(all(target_os = "linux", feature = "vulkan"))]
mod kernels;
mod metrics;
#[cfg(unix)]
mod replicas;
#[cfg(unix)]
mod shards;
mod shell;
#[cfg(unix)]
mod threads;
mod training;

/// Runs `si` in `folder`, with help texts as wide as on a terminal of 100 columns.
fn si(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().expect("si starts")
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_si"));
    command
        .args(args)
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .env("COLUMNS", "100")
        // The user's kernels are neither used nor changed.
        .env("SI_KERNEL_CACHE", "off")
        // Without this variable and without a desktop, libraries used by wgpu would write a complaint to stderr.
        .env("XDG_RUNTIME_DIR", std::env::temp_dir())
        .stdin(Stdio::null());
    command
}

/// Runs a command that succeeds, and gives what it printed.
fn printed(folder: &Path, args: &[&str]) -> String {
    let output = si(folder, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).expect("results in UTF-8")
}

/// The names of a folder's entries, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Exit code and stderr, as a snapshot shows them.
fn failure(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    format!(
        "exit code {}\n{stderr}",
        code.map_or("none".to_string(), |code| code.to_string())
    )
}
