use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

/// The workspace's folder.
pub(crate) fn workspace() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// A command in the workspace's folder, from a line of words that hold no spaces.
pub(crate) fn command(line: &str) -> Result<Command> {
    let mut arguments = line.split_whitespace();
    let program = arguments.next().context("a command has a name")?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(workspace());
    Ok(command)
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
