use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use si_core::CheckpointFolder;
use si_core::checkpoint::CheckpointError;

use crate::Error;
use crate::metrics::LayerCorrelations;

use super::path_integrals::PathIntegrals;
use super::rehearsal::StoredMemory;
use super::student::Student;
use super::{ChosenStrength, Condition, Cost, EpochRecord, ExperimentConfig, Versions};

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
/// so a resumed run gives exactly the same numbers on a CPU. The path integrals of a finished task no longer change, so
/// they are written once, to separate files.
pub(super) struct Checkpoints {
    files: CheckpointFolder,
    period: Duration,
    identity: Identity,
    last: Instant,
    /// Number of tasks whose path integrals are on the disk and belong to this run's path.
    stored_tasks: usize,
}

/// A run's results so far, and the point where it continues.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Journal {
    /// Lesson to continue in, from 0.
    pub(super) lesson: usize,
    /// Epoch within it, from 0.
    pub(super) epoch: usize,
    /// Training steps done.
    pub(super) steps_done: usize,
    /// Training steps done when the lesson began.
    pub(super) steps_before_lesson: usize,
    /// Test accuracy of the untrained network on each task.
    pub(super) initial_accuracy: Vec<f64>,
    /// Rows of the matrix of test accuracies.
    pub(super) accuracy: Vec<Vec<f64>>,
    /// Rows of the matrix of training accuracies.
    pub(super) train_accuracy: Vec<Vec<f64>>,
    pub(super) epochs: Vec<EpochRecord>,
    pub(super) inert: bool,
    /// How the strength was chosen for earlier tasks.
    #[serde(default)]
    pub(super) chosen: Vec<ChosenStrength>,
    /// The same for the current task, as far as it has gone.
    #[serde(default)]
    pub(super) choosing: Option<ChosenStrength>,
    /// Training steps of copies that learnt with nothing held back. `steps_done` is without these.
    #[serde(default)]
    pub(super) steps_free: usize,
    /// Training steps of attempts that were not kept. `steps_done` is without these.
    #[serde(default)]
    pub(super) steps_refused: usize,
    /// What the run took so far.
    #[serde(default)]
    pub(super) cost: Cost,
    /// How the path integrals of the tasks are correlated; empty before the end.
    pub(super) correlations: Vec<LayerCorrelations>,
    /// Wall time so far, in seconds.
    pub(super) elapsed_seconds: f64,
}

/// Everything that determines a run's exact numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Identity {
    versions: Versions,
    /// Number of threads, if a process on the device computes only with its own threads: it decides
    /// the order of sums. `None` on other devices, and in checkpoints that do not store it.
    num_threads: Option<String>,
    /// The config, without settings that may change when a run is resumed.
    config: String,
    condition: Condition,
    seed: u64,
}

impl Identity {
    /// Why a checkpoint of `self` cannot be used for `other`. `None` if it can.
    fn difference(&self, other: &Self) -> Option<String> {
        if self.versions != other.versions {
            let Versions { si, burn } = &self.versions;
            Some(format!("it was written by si {si} with Burn {burn}"))
        } else if let (Some(threads), Some(other)) = (&self.num_threads, &other.num_threads)
            && threads != other
        {
            Some(format!(
                "it was written with {threads} thread(s), not {other}, which can change the last \
                 digits of results; resume with num_threads = {threads}"
            ))
        } else if (&self.config, self.seed) != (&other.config, other.seed)
            || !self.condition.is_reading_of(&other.condition)
        {
            Some("it belongs to a run with other settings".to_string())
        } else {
            None
        }
    }
}

/// The content of a checkpoint.
#[derive(Serialize, Deserialize)]
struct Content {
    identity: Identity,
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
        let num_threads = config.threads_in_use().map(|threads| threads.to_string());
        let config = ExperimentConfig {
            num_seeds: 1,
            ..config.anywhere()
        };
        Self {
            files: CheckpointFolder::new(place.folder),
            period: place.period,
            identity: Identity {
                versions: Versions::current(),
                num_threads,
                config: config.to_toml(),
                condition: condition.clone(),
                seed,
            },
            last: Instant::now(),
            stored_tasks: 0,
        }
    }

    /// Writes a checkpoint if the last one is old enough.
    pub(super) fn save_if_due(
        &mut self,
        journal: &Journal,
        student: &Student,
        path_integrals: &PathIntegrals,
    ) -> Result<(), Error> {
        if self.last.elapsed() >= self.period {
            self.save(journal, student, path_integrals)?;
            self.last = Instant::now();
        }
        Ok(())
    }

    /// The newest intact checkpoint, if there is one. `keeps_path_integrals` says whether the run stores the path
    /// integrals of its finished tasks.
    pub(super) fn restore(
        &mut self,
        config: &ExperimentConfig,
        new_student: impl FnOnce(&Journal) -> Result<Student, Error>,
        keeps_path_integrals: bool,
    ) -> Result<Option<Restored>, Error> {
        let folder = self.files.path().to_path_buf();
        let unusable = |reason: String| Error::Checkpoint {
            path: folder.clone(),
            reason,
        };
        let failed = |error: CheckpointError| match error {
            CheckpointError::Io { .. } => io_error(error),
            error => unusable(with_causes(&error)),
        };
        let Some(checkpoint) = self.files.latest().map_err(failed)? else {
            return Ok(None);
        };
        let Content {
            identity,
            journal,
            memory,
        } = checkpoint.progress().map_err(failed)?;
        if let Some(difference) = identity.difference(&self.identity) {
            return Err(unusable(difference));
        }
        let mut student = new_student(&journal)?;
        if journal.lesson > 0 {
            student.reset_optimizer(config, journal.steps_before_lesson);
        }
        let num_begun = journal.lesson + usize::from(journal.epoch > 0);
        student.grow(num_begun, self.identity.seed);
        let student = student.restore(&checkpoint, memory).map_err(failed)?;
        let num_tasks = if keeps_path_integrals {
            journal.lesson
        } else {
            0
        };
        let mut path_integrals = PathIntegrals::default();
        for task in 0..num_tasks {
            let file = path_integral(&folder, task);
            path_integrals
                .read_task(&file, &student.learner)
                .map_err(|error| unusable(format!("{}: {error}", file.display())))?;
        }
        self.stored_tasks = num_tasks;
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

    fn save(
        &mut self,
        journal: &Journal,
        student: &Student,
        path_integrals: &PathIntegrals,
    ) -> Result<(), Error> {
        let folder = self.files.path();
        for task in self.stored_tasks..path_integrals.num_tasks() {
            let file = path_integral(folder, task);
            path_integrals.write_task(task, &file)?;
        }
        let content = Content {
            identity: self.identity.clone(),
            journal: journal.clone(),
            memory: student.stored_memory(),
        };
        let checkpoint = student.checkpoint(&content).map_err(io_error)?;
        self.files.save(&checkpoint).map_err(io_error)?;
        self.stored_tasks = path_integrals.num_tasks();
        Ok(())
    }
}

/// The file with the path integrals of a finished task.
fn path_integral(folder: &Path, task: usize) -> PathBuf {
    folder.join(format!("path-integral-{task}"))
}

/// This crate's error for a failed read or write.
fn io_error(error: CheckpointError) -> Error {
    match error {
        CheckpointError::Io {
            action,
            path,
            source,
        } => Error::Io {
            action,
            path,
            source,
        },
        error => si_core::Error::from(error).into(),
    }
}

/// An error and its causes, on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_causes(source)),
        None => error.to_string(),
    }
}
