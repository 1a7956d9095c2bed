use std::fs;
use std::path::Path;

use crate::Error;
use crate::experiment::{ExperimentConfig, RunFolder};
use crate::replace_file::replace;

use super::chapter::{BUDGETS, SWEEPS};
use super::page::{Report, write_report};
use super::{Part, Study, make};

/// Copies the finished results of one folder into another, beside its studies of another budget, and writes the report
/// there. Leaves out checkpoints, and settings in the configs that only concern this machine.
///
/// # Errors
///
/// [`Error::Records`] if that would replace results by fewer runs, and those of [`write_report`].
pub fn publish(from: &Path, to: &Path) -> Result<Report, Error> {
    let studies = Study::all().into_iter().map(|study| study.name());
    for name in studies.chain(SWEEPS.iter().chain(&BUDGETS).map(|name| name.to_string())) {
        let (source, target) = (from.join(&name), to.join(&name));
        if !source.join(CONFIG).exists() {
            continue;
        }
        let folder = RunFolder::open(&source)?;
        let num_records = folder.records()?.len();
        if num_records == 0 {
            continue;
        }
        if target.join(CONFIG).exists() {
            let num_there = RunFolder::open(&target)?.records()?.len();
            if num_there > num_records {
                return Err(Error::Records(format!(
                    "{} has {num_records} finished run(s), but {} already has {num_there}: finish the first, \
                     or remove the second",
                    source.display(),
                    target.display()
                )));
            }
        }
        let config = ExperimentConfig {
            num_jobs: None,
            num_replicas: None,
            checkpoint_seconds: None,
            data_dir: None,
            ..folder.config().clone()
        };
        replace(&target, CONFIG, config.to_toml().as_bytes())?;
        for records in folder.record_files()? {
            let bytes = fs::read(&records).map_err(Error::io("read", &records))?;
            let name = records.file_name().unwrap_or_default().to_string_lossy();
            replace(&target, &name, &bytes)?;
        }
    }
    // They take seconds to compute and always give the same result.
    for part in Part::ALL.into_iter().filter(|part| part.is_in(from)) {
        make(part, to)?;
    }
    write_report(to)
}

const CONFIG: &str = "config.toml";
