//! Tests of the whole program, as users run it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use tempfile::NamedTempFile;

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
    let mut command = program();
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

/// The program, which finds MNIST's files unpacked. From its own, each process would unpack them anew, and that takes longer
/// than most trainings here.
fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_si"));
    program.env(DATA_DIR, &*MNIST);
    program
}

/// The environment variable that names a folder of data sets.
const DATA_DIR: &str = "SI_DATA_DIR";

/// A folder with MNIST's files.
static MNIST: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mnist");
    fs::create_dir_all(&folder).expect("a folder can be made");
    unpack(&folder, "train-images-idx3-ubyte", si_mnist::train_images);
    unpack(&folder, "train-labels-idx1-ubyte", si_mnist::train_labels);
    unpack(&folder, "t10k-images-idx3-ubyte", si_mnist::test_images);
    unpack(&folder, "t10k-labels-idx1-ubyte", si_mnist::test_labels);
    folder
});

/// Writes a file unless it exists. Tests that are killed here leave no part of it under its name.
fn unpack(folder: &Path, name: &str, content: fn() -> Vec<u8>) {
    let path = folder.join(name);
    if !path.exists() {
        let mut file = NamedTempFile::new_in(folder).expect("a file can be made");
        file.write_all(&content()).expect("it can be written");
        file.persist(path).expect("it can be renamed");
    }
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
