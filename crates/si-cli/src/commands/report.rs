use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use si_bench::{
    experiment::{RunFolder, RunRecord},
    report::{self, Artefacts, Results},
};

use crate::output;

/// Rebuild the table, summary and figure of a run, or compare several runs
///
/// Reads config.toml and the records of each folder; nothing is trained. For one folder, prints the
/// table and writes summary.json, summary.md, figure.svg and figure.png into the folder. For several
/// folders, prints a table that compares them, and writes files only with --output.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// Run folders, such as runs/split-mnist/2026-01-31T12-00-00Z
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Write into this folder instead (created if missing). For several runs: the summary.md,
    /// figure.svg and figure.png of the comparison
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Prints the table and writes the files, as `args` say.
pub(crate) fn run(args: &ReportArgs) -> anyhow::Result<()> {
    match args.folders.as_slice() {
        [folder] => {
            let opened = RunFolder::open(folder)?;
            report_on(&opened, args.output.as_deref().unwrap_or(folder))
        }
        folders => compare(folders, args.output.as_deref()),
    }
}

/// Prints the table of one folder's runs. Writes summary and figure into `output`.
pub(crate) fn report_on(folder: &RunFolder, output: &Path) -> anyhow::Result<()> {
    let records = records(folder)?;
    let results = Results::new("", folder.config(), &records)
        .with_context(|| format!("cannot summarise {}", folder.path().display()))?;
    show(
        &[results],
        Some(report::write(output, folder.config(), &records)?),
    )
}

fn compare(folders: &[PathBuf], output: Option<&Path>) -> anyhow::Result<()> {
    if let Some(output) = output
        && output.join("config.toml").exists()
    {
        bail!(
            "{} holds a run, and the comparison would overwrite its summary: choose another --output",
            output.display()
        );
    }
    let mut results = Vec::new();
    for (label, folder) in labels(folders).into_iter().zip(folders) {
        let opened = RunFolder::open(folder)?;
        let records = opened.records()?;
        if records.is_empty() {
            output::note(unfinished(&opened));
            continue;
        }
        let result = Results::new(label, opened.config(), &records);
        results.push(result.with_context(|| format!("cannot summarise {}", folder.display()))?);
    }
    if results.is_empty() {
        bail!("none of the folders has a finished run");
    }
    let artefacts = output
        .map(|output| report::write_comparison(output, &results))
        .transpose()?;
    show(&results, artefacts)
}

fn show(results: &[Results], artefacts: Option<Artefacts>) -> anyhow::Result<()> {
    output::result(report::table(results))?;
    if let Some(artefacts) = artefacts {
        let paths = [&artefacts.markdown, &artefacts.svg, &artefacts.png];
        for path in artefacts.summary.iter().chain(paths) {
            output::result(format_args!("wrote {}", path.display()))?;
        }
    }
    Ok(())
}

fn records(folder: &RunFolder) -> anyhow::Result<Vec<RunRecord>> {
    let records = folder.records()?;
    if records.is_empty() {
        bail!(unfinished(folder));
    }
    Ok(records)
}

pub(super) fn unfinished(folder: &RunFolder) -> String {
    format!(
        "no run in {folder} is finished yet; resume with `si {experiment} --resume {folder}`",
        folder = folder.path().display(),
        experiment = folder.config().experiment.name()
    )
}

/// The folders' names, or their whole paths if two names are the same.
pub(super) fn labels(folders: &[PathBuf]) -> Vec<String> {
    let names: Vec<String> = folders
        .iter()
        .map(|folder| match folder.file_name() {
            Some(name) => name.to_string_lossy().into_owned(),
            None => folder.display().to_string(),
        })
        .collect();
    let distinct: HashSet<&String> = names.iter().collect();
    if distinct.len() == names.len() {
        return names;
    }
    folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_names_or_paths_if_names_are_the_same() {
        assert_eq!(labels(&["a/x".into(), "b/y/".into()]), ["x", "y"]);
        assert_eq!(labels(&["a/x".into(), "b/x".into()]), ["a/x", "b/x"]);
        assert_eq!(labels(&["..".into(), "x".into()]), ["..", "x"]);
    }
}
