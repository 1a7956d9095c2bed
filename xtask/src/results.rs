use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::command::{command, copy_folder, run, workspace};

/// The folder of the stored runs and their report, below the workspace.
const RESULTS: &str = "docs/results";
/// The folder in which the report is generated again.
const AGAIN: &str = "target/trial/results";
/// The report's pages.
const PAGES: [&str; 2] = ["README.md", "repro.html"];
/// The extensions of files that are the same on every machine.
const TEXTS: [&str; 3] = ["md", "json", "svg"];
/// How the names of folders with a comparison of methods begin.
const COMPARISONS: &str = "compare-";
/// The folder of a study of possibilities frontiers.
const FRONTIER: &str = "frontier";
/// Folders of runs whose own report is linked, and which the report above does not have.
const RUNS: [&str; 2] = ["hsu2018-domain-padded", "split-mnist-chf"];

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
    for path in entries(&results)? {
        let name = path.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        if name.starts_with(COMPARISONS) {
            let experiment = experiment_of(&results.join(&name))?;
            check_folder(&name, &format!("compare {experiment} --resume"))?;
        } else if name == FRONTIER {
            check_folder(&name, "frontier --resume")?;
        } else if RUNS.contains(&name.as_str()) {
            check_folder(&name, "report")?;
        }
    }
    Ok(())
}

/// The experiment of a comparison of methods.
fn experiment_of(comparison: &Path) -> Result<String> {
    let plan = read(&comparison.join("compare.toml"))?;
    let mut lines = plan.lines();
    let experiment = lines.find_map(|line| line.strip_prefix("experiment = "));
    let experiment = experiment
        .with_context(|| format!("{} does not name its experiment", comparison.display()))?;
    Ok(experiment.trim_matches('"').to_string())
}

/// Checks that pages, data and figures in the folder `name` match its runs. A command of `si` makes them again in a copy.
fn check_folder(name: &str, si_command: &str) -> Result<()> {
    let stored = workspace().join(RESULTS).join(name);
    let mut status = command("cargo run -p si-cli -- status")?;
    let mut folders = entries(&stored)?;
    folders.push(stored.clone());
    status.args(folders.iter().filter(|it| it.join("config.toml").exists()));
    // Otherwise the command below would train what is missing.
    run(status).with_context(|| format!("{RESULTS}/{name} is not complete"))?;

    let update = |root: &str| format!("cargo run -p si-cli -- {si_command} {root}/{name}");
    run(command(&update(AGAIN))?)?;
    for path in entries(&stored)? {
        let is_text = |it: &OsStr| TEXTS.iter().any(|text| it == *text);
        if !path.extension().is_some_and(is_text) {
            continue;
        }
        let file = path.file_name().context("it is a file")?;
        let again = workspace().join(AGAIN).join(name).join(file);
        ensure!(
            read(&path)? == read(&again)?,
            "{} does not match its runs: update it with `{}`",
            path.display(),
            update(RESULTS)
        );
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
