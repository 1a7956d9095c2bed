mod files;
mod identity;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use si_core::CheckpointFolder;

use crate::Error;

use super::journal::Journal;
use super::path_integrals::PathIntegrals;
use super::rehearsal::StoredMemory;
use super::student::Student;
use super::{Condition, ExperimentConfig};

pub(super) use files::CheckpointFiles;
pub(super) use identity::Identity;

/// Where and how often a run writes its checkpoints, from which it can resume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpointing {
    /// A folder for this run only. The code that stores the run's record removes it.
    pub folder: PathBuf,
    /// Shortest time between two checkpoints.
    pub period: Duration,
}

/// The extension of the files of a [`CheckpointFolder`].
const EXTENSION: &str = "ckpt";

/// The checkpoints of one run.
///
/// They are written between epochs. Each epoch draws its random numbers from new generators, seeded by the run's seed,
/// so a resumed run gives exactly the same numbers on a CPU.
pub(super) struct Checkpoints {
    files: CheckpointFiles,
    seed: u64,
}

/// What a checkpoint is written with.
#[derive(Serialize)]
struct Content<'a> {
    identity: &'a Identity,
    journal: &'a Journal,
    memory: Option<StoredMemory>,
}

/// What is read of a checkpoint whose identity has been checked.
#[derive(Deserialize)]
struct Stored {
    journal: Journal,
    memory: Option<StoredMemory>,
}

/// A resumed run: its results so far, the network, and the path integrals of its tasks.
pub(super) struct Restored {
    pub(super) journal: Journal,
    pub(super) student: Student,
    pub(super) path_integrals: PathIntegrals,
}

impl Checkpoints {
    pub(super) fn new(
        place: Checkpointing,
        config: &ExperimentConfig,
        condition: &Condition,
        seed: u64,
    ) -> Self {
        Self {
            files: CheckpointFiles::new(place, config, (condition, seed), &[]),
            seed,
        }
    }

    /// Writes a checkpoint if the last one is old enough.
    pub(super) fn save_if_due(
        &mut self,
        journal: &Journal,
        student: &Student,
        path_integrals: &PathIntegrals,
    ) -> Result<(), Error> {
        if !self.files.is_due() {
            return Ok(());
        }
        let checkpoint = student.checkpoint(&Content {
            identity: self.files.identity(),
            journal,
            memory: student.stored_memory(),
        });
        self.files.save(checkpoint, path_integrals)
    }

    /// The newest intact checkpoint, if there is one. `keeps_path_integrals` says whether the run stores the path
    /// integrals of its finished tasks.
    pub(super) fn restore(
        &mut self,
        config: &ExperimentConfig,
        new_student: impl FnOnce(&Journal) -> Result<Student, Error>,
        keeps_path_integrals: bool,
    ) -> Result<Option<Restored>, Error> {
        let Some(checkpoint) = self.files.latest()? else {
            return Ok(None);
        };
        let progress = checkpoint.progress();
        let Stored { journal, memory } = progress.map_err(|error| self.files.failed(error))?;
        let mut student = new_student(&journal)?;
        if journal.lesson > 0 {
            student.reset_optimizer(config, journal.steps_before_lesson);
        }
        let num_begun = journal.lesson + usize::from(journal.epoch > 0);
        student.grow(num_begun, self.seed);
        let student = student.restore(&checkpoint, memory);
        let student = student.map_err(|error| self.files.failed(error))?;
        let num_tasks = if keeps_path_integrals {
            journal.lesson
        } else {
            0
        };
        let weights = student.learner.hidden_weights();
        let path_integrals = self.files.read_path_integrals(num_tasks, &weights)?;
        Ok(Some(Restored {
            journal,
            student,
            path_integrals,
        }))
    }

    /// Whether there is a checkpoint in `folder`, intact or not.
    pub(super) fn exist(folder: &Path) -> bool {
        let entries = fs::read_dir(folder).into_iter().flatten();
        let mut paths = entries.map_while(Result::ok).map(|entry| entry.path());
        paths.any(|path| path.extension().is_some_and(|it| it == EXTENSION))
    }

    /// The number of threads that the checkpoints in `folder` were written with, if there are any and they store it.
    pub(super) fn num_threads(folder: &Path) -> Option<usize> {
        /// The part of a [`Content`] that is needed here.
        #[derive(Deserialize)]
        struct Written {
            identity: Threads,
        }
        #[derive(Deserialize)]
        struct Threads {
            num_threads: Option<String>,
        }
        // If a checkpoint is unusable, the run itself reports that.
        let checkpoint = CheckpointFolder::new(folder).latest().ok()??;
        let written: Written = checkpoint.progress().ok()?;
        written.identity.num_threads?.parse().ok()
    }
}
