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
/// How the names of folders with a comparison of methods begin.
const COMPARISONS: &str = "compare-";
/// The pages of a comparison.
const COMPARISON_PAGES: [&str; 2] = ["compare.md", "compare.json"];

/// Checks that the reports in the repository match the stored runs.
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
    let entries =
        fs::read_dir(&results).with_context(|| format!("cannot read {}", results.display()))?;
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with(COMPARISONS) {
            check_comparison(&results.join(&name), &again.join(&name), &name)?;
        }
    }
    Ok(())
}

/// Checks that the pages of a comparison in `stored` match its runs, by making them again in its copy.
fn check_comparison(stored: &Path, again: &Path, name: &str) -> Result<()> {
    let plan = read(&stored.join("compare.toml"))?;
    let mut lines = plan.lines();
    let experiment = lines.find_map(|line| line.strip_prefix("experiment = "));
    let experiment = experiment.with_context(|| format!("{RESULTS}/{name} has no experiment"))?;
    let experiment = experiment.trim_matches('"');
    let update = |folder: &str| {
        format!("cargo run -p si-cli -- compare {experiment} --resume {folder}/{name}")
    };
    run(command(&update(AGAIN))?)?;
    for page in COMPARISON_PAGES {
        ensure!(
            read(&stored.join(page))? == read(&again.join(page))?,
            "{RESULTS}/{name}/{page} does not match its runs: update it with `{}`",
            update(RESULTS)
        );
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
