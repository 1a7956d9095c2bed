use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::command::{command, copy_folder, run, workspace};

/// The folder of the stored runs and their report, below the workspace.
const RESULTS: &str = "docs/results";
/// The folder in which the report is generated again.
const AGAIN: &str = "target/trial/results";
/// The report's pages.
const PAGES: [&str; 2] = ["README.md", "repro.html"];

/// Checks that the report in the repository matches the stored runs.
pub(crate) fn check() -> Result<()> {
    let (results, again) = (workspace().join(RESULTS), workspace().join(AGAIN));
    match fs::remove_dir_all(&again) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).context(format!("cannot remove {}", again.display()));
        }
        _ => copy_folder(&results, &again)?,
    }
    run(command(&format!(
        "cargo run -p si-cli -- repro --report --out {AGAIN}"
    ))?)?;
    for page in PAGES {
        ensure!(
            read(&results.join(page))? == read(&again.join(page))?,
            "{RESULTS}/{page} does not match its runs: update it with \
             `cargo run -p si-cli -- repro --report --out {RESULTS}`"
        );
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
