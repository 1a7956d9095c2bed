use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::metrics::LayerCorrelations;

use super::path_integrals::PathIntegrals;
use super::student::Student;
use super::{Condition, EpochRecord, ExperimentConfig, Versions};

/// Where a run leaves what it needs to go on after an interruption, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpointing {
    /// A folder for this run alone. Whoever stores the run's record removes it.
    pub folder: PathBuf,
    /// Shortest time between two checkpoints.
    pub period: Duration,
}

impl Checkpointing {
    /// A checkpoint a minute, at most.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self {
            folder,
            period: Duration::from_secs(60),
        }
    }
}

/// The checkpoints of one run.
///
/// Each is a folder, named by the number of steps done, that is put in place when it is whole; the
/// one before is removed after that. They are written between epochs: everything random is drawn
/// anew, from the seed, in each epoch, so that a resumed run ends with the same bits, on a CPU.
pub(super) struct Checkpoints {
    place: Checkpointing,
    identity: Identity,
    last: Instant,
    /// Tasks whose path integrals are on the disk, of this trajectory and of no other.
    stored_tasks: usize,
}

/// A run's results so far, and where it goes on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Journal {
    /// Lesson to go on in, from 0.
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
    /// How the path integrals of the tasks are correlated; empty before the end.
    pub(super) correlations: Vec<LayerCorrelations>,
    /// Wall time so far, in seconds.
    pub(super) elapsed_seconds: f64,
}

/// Everything that decides a run's bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Identity {
    versions: Versions,
    /// Threads of a CPU backend, where the environment says so: they decide the order of sums.
    num_threads: Option<String>,
    /// The config, without what may differ between the pieces of a run.
    config: String,
    condition: Condition,
    seed: u64,
}

impl Identity {
    /// What keeps a checkpoint of `self` from being one of `other`.
    fn difference(&self, other: &Self) -> Option<String> {
        let threads = |identity: &Self| match &identity.num_threads {
            Some(number) => number.clone(),
            None => "all".to_string(),
        };
        if self.versions != other.versions {
            let Versions { si, burn } = &self.versions;
            Some(format!("si {si} with Burn {burn} wrote it"))
        } else if self.num_threads != other.num_threads {
            Some(format!(
                "it was written with {} threads and not {}, which changes the last bits; take as \
                 many jobs as before",
                threads(self),
                threads(other)
            ))
        } else if self != other {
            Some("it is of a run with other settings".to_string())
        } else {
            None
        }
    }
}

/// The file that makes a checkpoint of a folder.
#[derive(Serialize, Deserialize)]
struct Content {
    identity: Identity,
    journal: Journal,
}

/// A run that goes on: its results so far, the network, and what is kept of its tasks.
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
        let config = ExperimentConfig {
            num_seeds: 1,
            num_jobs: None,
            data_dir: None,
            output_dir: None,
            ..config.clone()
        };
        Self {
            place,
            identity: Identity {
                versions: Versions::current(),
                num_threads: std::env::var("RAYON_NUM_THREADS").ok(),
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
        if self.last.elapsed() >= self.place.period {
            self.save(journal, student, path_integrals)?;
            self.last = Instant::now();
        }
        Ok(())
    }

    /// The newest checkpoint, if there is one. Path integrals are kept of every task that has ended,
    /// or of none.
    pub(super) fn restore(
        &mut self,
        config: &ExperimentConfig,
        new_student: impl FnOnce() -> Result<Student, Error>,
        keeps_path_integrals: bool,
    ) -> Result<Option<Restored>, Error> {
        let Some(path) = self.newest()? else {
            return Ok(None);
        };
        let damaged = |reason: String| Error::Checkpoint {
            path: path.clone(),
            reason,
        };
        let file = path.join(JOURNAL);
        let bytes = fs::read(&file).map_err(io_error("read", &file))?;
        let content: Content =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if let Some(difference) = content.identity.difference(&self.identity) {
            return Err(damaged(difference));
        }
        let mut student = new_student()?;
        if content.journal.lesson > 0 {
            student.reset_optimizer(config, content.journal.steps_before_lesson);
        }
        let student = student
            .load(&path)
            .map_err(|error| damaged(error.to_string()))?;
        let mut path_integrals = PathIntegrals::default();
        let num_kept = match keeps_path_integrals {
            true => content.journal.lesson,
            false => 0,
        };
        for task in 0..num_kept {
            let file = self.path_integral(task);
            path_integrals
                .read_task(&file, &student.learner)
                .map_err(|error| damaged(format!("{}: {error}", file.display())))?;
        }
        self.stored_tasks = num_kept;
        Ok(Some(Restored {
            journal: content.journal,
            student,
            path_integrals,
        }))
    }

    fn save(
        &mut self,
        journal: &Journal,
        student: &Student,
        path_integrals: &PathIntegrals,
    ) -> Result<(), Error> {
        let folder = &self.place.folder;
        let path = folder.join(journal.steps_done.to_string());
        let draft = folder.join(DRAFT);
        let before = self.all()?;
        let write = || -> io::Result<()> {
            if draft.exists() {
                fs::remove_dir_all(&draft)?;
            }
            fs::create_dir_all(&draft)?;
            for task in self.stored_tasks..path_integrals.num_tasks() {
                let file = draft.join("path-integral");
                path_integrals.write_task(task, &file)?;
                sync(&file)?;
                fs::rename(file, self.path_integral(task))?;
            }
            student.save(&draft).map_err(io::Error::other)?;
            let content = Content {
                identity: self.identity.clone(),
                journal: journal.clone(),
            };
            fs::write(draft.join(JOURNAL), serde_json::to_vec(&content)?)?;
            for entry in fs::read_dir(&draft)? {
                sync(&entry?.path())?;
            }
            fs::rename(&draft, &path)?;
            for (_, old) in before {
                fs::remove_dir_all(old)?;
            }
            Ok(())
        };
        write().map_err(io_error("write", &path))?;
        self.stored_tasks = path_integrals.num_tasks();
        Ok(())
    }

    fn newest(&self) -> Result<Option<PathBuf>, Error> {
        let all = self.all()?.into_iter();
        Ok(all.max_by_key(|(steps, _)| *steps).map(|(_, path)| path))
    }

    /// Every whole checkpoint, with its number of steps.
    fn all(&self) -> Result<Vec<(usize, PathBuf)>, Error> {
        let folder = &self.place.folder;
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error("read", folder)(error)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry.map_err(io_error("read", folder))?;
            if let Ok(steps) = entry.file_name().to_string_lossy().parse() {
                all.push((steps, entry.path()));
            }
        }
        Ok(all)
    }

    /// The file with the path integrals of a task that has ended. It does not change any more, and
    /// so is written once and stands beside the checkpoints.
    fn path_integral(&self, task: usize) -> PathBuf {
        self.place.folder.join(format!("path-integral-{task}"))
    }
}

const JOURNAL: &str = "journal.json";
const DRAFT: &str = "draft";

/// Returns when the file is safe on the disk.
fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io {
        action,
        path,
        source,
    }
}
