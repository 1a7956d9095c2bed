use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;

use log::warn;

use crate::{Error, replace_file};

use super::super::{ExperimentConfig, RequiredPrecision, RunRecord};
use super::records::{self, RECORDS};
use super::{CONFIG, RunFolder, refuse_results};

impl RunFolder {
    /// Makes the folder `target` of the runs in the folders `sources`, which hold the same experiment. Their checkpoints are
    /// left out, and so are settings that only concern a machine.
    ///
    /// All is written beside `target` and then renamed, so that `target` is whole or not there.
    ///
    /// # Errors
    ///
    /// [`Error::ExperimentsDiffer`], which names every differing key, [`Error::RunsDiffer`] if a run has other results in
    /// another folder, [`Error::FolderInUse`] if `target` holds a run, [`Error::Config`] if it holds something else or if there
    /// are no `sources`, [`Error::Io`] if it cannot be written, and those of [`open`](Self::open) and
    /// [`records`](Self::records).
    pub fn merge(sources: &[PathBuf], target: &Path) -> Result<Self, Error> {
        let config = common_config(sources)?;
        let (wanted, mut files) = (config.runs(), Vec::new());
        for source in sources {
            files.extend(records::files(source)?);
        }
        let mut records = records::union(&files, &wanted)?;
        // In the same order, whatever the order of the folders.
        records.sort_by_key(|record| {
            let is_run = |(condition, seed): &(_, u64)| records::is_run(record, condition, *seed);
            wanted.iter().position(is_run)
        });
        write(&config, &records, target)?;
        Self::open(target)
    }
}

/// The config of all folders, without what only concerns a machine.
fn common_config(folders: &[PathBuf]) -> Result<ExperimentConfig, Error> {
    let mut common: Option<ExperimentConfig> = None;
    for folder in folders {
        let config = ExperimentConfig {
            num_jobs: None,
            num_replicas: None,
            checkpoint_seconds: None,
            data_dir: None,
            ..RunFolder::open(folder)?.config
        };
        let Some(first) = &mut common else {
            common = Some(config);
            continue;
        };
        let differences = first.differences_from_same(&config);
        if !differences.is_empty() {
            return Err(Error::ExperimentsDiffer {
                first: folders[0].clone(),
                second: folder.clone(),
                differences: differences.join("; "),
            });
        }
        if config.matmul_precision == RequiredPrecision::Any {
            first.matmul_precision = RequiredPrecision::Any;
        }
        if first.num_threads != config.num_threads {
            warn!(
                "{} has runs with another number of threads than {}, which can change the last digits of results",
                folder.display(),
                folders[0].display()
            );
            first.num_threads = None;
        }
    }
    common.ok_or_else(|| Error::Config("there is no folder to merge".to_string()))
}

/// Writes a new run folder: whole, or not at all.
fn write(config: &ExperimentConfig, records: &[RunRecord], target: &Path) -> Result<(), Error> {
    refuse_results(target)?;
    let draft = draft_of(target)?;
    let written = fill(&draft, config, records).and_then(|()| {
        make_way(target)?;
        fs::rename(&draft, target).map_err(Error::io("write", target))
    });
    if written.is_err() {
        // If this also fails, nothing can be done, and the first error is more useful.
        let _ = fs::remove_dir_all(&draft);
    }
    written
}

/// A folder beside `target`, on the same file system.
fn draft_of(target: &Path) -> Result<PathBuf, Error> {
    let name = target.file_name().ok_or_else(|| {
        Error::Config(format!(
            "{} has no name: give the path of a new folder",
            target.display()
        ))
    })?;
    let mut draft = OsString::from(".");
    draft.push(name);
    draft.push(format!(".{}", process::id()));
    Ok(target.with_file_name(draft))
}

fn fill(folder: &Path, config: &ExperimentConfig, records: &[RunRecord]) -> Result<(), Error> {
    let file = folder.join(RECORDS);
    let mut text = Vec::new();
    for record in records {
        let line = serde_json::to_vec(record).map_err(std::io::Error::from);
        text.extend(line.map_err(Error::io("write", &file))?);
        text.push(b'\n');
    }
    replace_file(&file, &text)?;
    replace_file(&folder.join(CONFIG), config.to_toml().as_bytes())
}

/// Removes an empty folder at `target`, because not every system renames to an existing one.
fn make_way(target: &Path) -> Result<(), Error> {
    match fs::remove_dir(target) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(_) => Err(Error::Config(format!(
            "{} is not an empty folder: choose another one",
            target.display()
        ))),
    }
}
