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
/// The folder of a study of possibilities frontiers.
const FRONTIER: &str = "frontier";

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
            let experiment = experiment_of(&results.join(&name))?;
            check_folder(&name, &format!("compare {experiment}"), "compare")?;
        } else if name == FRONTIER {
            check_folder(&name, "frontier", "frontier")?;
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

/// Checks that the pages in the folder `name` match its runs. A command of `si` makes them again in a copy: they are the
/// files called `page`.
fn check_folder(name: &str, si_command: &str, page: &str) -> Result<()> {
    let update = |root: &str| format!("cargo run -p si-cli -- {si_command} --resume {root}/{name}");
    run(command(&update(AGAIN))?)?;
    for page in [format!("{page}.md"), format!("{page}.json")] {
        let file = |root: &str| read(&workspace().join(root).join(name).join(&page));
        ensure!(
            file(RESULTS)? == file(AGAIN)?,
            "{RESULTS}/{name}/{page} does not match its runs: update it with `{}`",
            update(RESULTS)
        );
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
