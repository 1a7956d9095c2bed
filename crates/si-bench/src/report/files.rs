use std::path::{Path, PathBuf};

use crate::{
    Error,
    experiment::{ExperimentConfig, RunRecord},
    replace_file::replace,
};

use super::{Results, figure, markdown, write_picture};

/// The files that [`write()`] and [`write_comparison`] write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artefacts {
    /// `summary.json`. `None` for a comparison.
    pub summary: Option<PathBuf>,
    /// `summary.md`.
    pub markdown: PathBuf,
    /// `figure.svg`.
    pub svg: PathBuf,
    /// `figure.png`, the same picture.
    pub png: PathBuf,
}

/// Writes `summary.json`, `summary.md`, `figure.svg` and `figure.png` into `folder`, which is
/// created if missing. Replaces existing files. Writes each file as a whole or not at all.
///
/// # Errors
///
/// [`Error::Records`] if the records cannot be combined, [`Error::Figure`] if the figure cannot be
/// drawn, and [`Error::Io`], which names the file, if one cannot be written.
pub fn write(
    folder: &Path,
    config: &ExperimentConfig,
    records: &[RunRecord],
) -> Result<Artefacts, Error> {
    let results = [Results::new("", config, records)?];
    let summary = replace(
        folder,
        "summary.json",
        results[0].summary.to_json().as_bytes(),
    )?;
    Ok(Artefacts {
        summary: Some(summary),
        ..write_comparison(folder, &results)?
    })
}

/// Writes `summary.md`, `figure.svg` and `figure.png` of several results into `folder`, which is
/// created if missing.
///
/// # Errors
///
/// Those of [`write()`].
pub fn write_comparison(folder: &Path, results: &[Results]) -> Result<Artefacts, Error> {
    let figure = write_picture(folder, "figure", &figure(results))?;
    Ok(Artefacts {
        summary: None,
        png: figure.png,
        svg: figure.svg,
        markdown: replace(folder, "summary.md", markdown(results).as_bytes())?,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{experiment::Summary, fixture};

    #[test]
    fn the_folder_holds_the_four_files_and_nothing_else() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("made");
        let config = fixture::config(&[0.0, 1.0], 3);
        let records = fixture::records(&config, 5);

        let artefacts = write(&folder, &config, &records).expect("written");
        write(&folder, &config, &records).expect("written again");

        let mut names: Vec<_> = fs::read_dir(&folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["figure.png", "figure.svg", "summary.json", "summary.md"]
        );
        let json = fs::read_to_string(artefacts.summary.expect("a summary")).expect("text");
        let summary = Summary::from_json(&json).expect("a summary");
        assert_eq!(summary.conditions.len(), 2);
        assert_eq!(summary.conditions[1].seeds, [0, 1, 2]);
    }

    #[test]
    fn an_experiment_without_runs_is_written_too() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &fixture::config(&[0.0], 1), &[]).expect("written");
    }
}
