use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use md5::{Digest, Md5};

use crate::{Error, replace_file};

use super::super::checkpoint::Checkpoints;
use super::super::{Checkpointing, Condition, RunRecord};
use super::{RunFolder, is_run};

const CHECKPOINTS: &str = "checkpoints";
/// In the folder with the checkpoints of several runs: the name of each run's condition, and its seed.
const STACK: &str = "stack.json";
/// The default time between two checkpoints.
const CHECKPOINT_SECONDS: f64 = 60.0;

/// Names of conditions and seeds of runs that are trained at once.
type Stack = Vec<(String, u64)>;

impl RunFolder {
    /// Where the run of `condition` at `seed` writes its checkpoints. [`append`](Self::append)
    /// removes them.
    pub fn checkpoints(&self, condition: &Condition, seed: u64) -> Checkpointing {
        // Names contain spaces and symbols that some systems do not allow in a path.
        let name = condition
            .name
            .replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
        self.checkpoints_in(&format!("{name}-{seed}"))
    }

    /// Where `runs` that are trained at once write their checkpoints. Other runs have another place, and so have the same
    /// ones in another order. The place of one run is that of [`checkpoints`](Self::checkpoints).
    /// [`append_all`](Self::append_all) removes them.
    pub fn checkpoints_of(&self, runs: &[(Condition, u64)]) -> Checkpointing {
        match runs {
            [(condition, seed)] => self.checkpoints(condition, *seed),
            runs => self.checkpoints_in(&name(&stack(runs))),
        }
    }

    /// Notes which `runs` are trained at once, so that [`status`](Self::status) knows whose checkpoints there are. Call it
    /// before the first checkpoint.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be written.
    pub fn note_stack(&self, runs: &[(Condition, u64)]) -> Result<(), Error> {
        if runs.len() == 1 {
            return Ok(());
        }
        let file = self.checkpoints_of(runs).folder.join(STACK);
        let text = serde_json::to_vec(&stack(runs)).map_err(std::io::Error::from);
        replace_file(&file, &text.map_err(Error::io("write", &file))?)
    }

    /// Removes the checkpoints of this program's finished runs. [`append_all`](Self::append_all) has done so, except after a
    /// crash, or if the runs were in other stacks before.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if they cannot be removed, and those of [`records`](Self::records).
    pub fn remove_leftovers(&self) -> Result<(), Error> {
        let share = self.share();
        let records = self.records()?;
        let is_finished = |condition: &Condition, seed: u64| {
            let mut records = records.iter();
            records.any(|record| is_run(record, condition, seed))
        };
        for (condition, seed) in &share {
            if is_finished(condition, *seed) {
                remove(&self.checkpoints(condition, *seed).folder)?;
            }
        }
        for (folder, stack) in self.stacks() {
            let is_finished = |(name, seed): &(String, u64)| {
                let mut own = share.iter();
                own.any(|(condition, own)| {
                    condition.name == *name && own == seed && is_finished(condition, *seed)
                })
            };
            if stack.iter().all(is_finished) {
                remove(&folder)?;
            }
        }
        Ok(())
    }

    /// The runs that have left a checkpoint together with others.
    pub(super) fn begun_in_stacks(&self) -> Stack {
        let stacks = self.stacks().into_iter();
        let begun = stacks.filter(|(folder, _)| Checkpoints::exist(folder));
        begun.flat_map(|(_, stack)| stack).collect()
    }

    /// Removes the checkpoints of finished runs that were trained at once.
    pub(super) fn remove_checkpoints(&self, records: &[RunRecord]) -> Result<(), Error> {
        let runs = records.iter();
        let runs: Vec<(Condition, u64)> = runs
            .map(|record| (record.condition.clone(), record.seed))
            .collect();
        remove(&self.checkpoints_of(&runs).folder)?;
        // They may have been trained one by one before.
        runs.iter()
            .try_for_each(|(condition, seed)| remove(&self.checkpoints(condition, *seed).folder))
    }

    /// The noted stacks, each with the folder of its checkpoints.
    fn stacks(&self) -> Vec<(PathBuf, Stack)> {
        let entries = fs::read_dir(self.path.join(CHECKPOINTS));
        let folders = entries.into_iter().flatten().map_while(Result::ok);
        let stacks = folders.filter_map(|entry| {
            let folder = entry.path();
            let text = fs::read(folder.join(STACK)).ok()?;
            let stack = serde_json::from_slice(&text).ok()?;
            Some((folder, stack))
        });
        stacks.collect()
    }

    fn checkpoints_in(&self, name: &str) -> Checkpointing {
        let seconds = self.config.checkpoint_seconds.unwrap_or(CHECKPOINT_SECONDS);
        Checkpointing {
            folder: self.path.join(CHECKPOINTS).join(name),
            // If the number of seconds is too large for a `Duration`, checkpoints are never due.
            period: Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX),
        }
    }
}

fn stack(runs: &[(Condition, u64)]) -> Stack {
    let runs = runs.iter();
    runs.map(|(condition, seed)| (condition.name.clone(), *seed))
        .collect()
}

/// A name that only these runs have in this order: all their names would be too long for a folder.
fn name(stack: &Stack) -> String {
    let mut digest = Md5::new();
    for (condition, seed) in stack {
        digest.update(format!("{condition}\n{seed}\n"));
    }
    let sum: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("stack-{sum}")
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::io("remove", folder)(error))
        }
        _ => Ok(()),
    }
}
