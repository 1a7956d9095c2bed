use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use log::warn;

use super::{Checkpoint, CheckpointError};
use crate::replace::sync_folder_of;

/// A folder with the newest checkpoints of one training run.
///
/// Each save makes a new file and then removes those that are too old. The newest checkpoint is the one that was
/// saved last. If it is damaged, training resumes from the one before it. Only one training run may write to a
/// folder at a time.
///
/// ```no_run
/// # use burn::{nn::Linear, optim::ModuleOptimizer};
/// # use si_core::{Checkpoint, CheckpointFolder, ContinualLearner};
/// # use si_core::checkpoint::CheckpointError;
/// # fn example(
/// #     mut learner: ContinualLearner<Linear>, mut optimizer: ModuleOptimizer,
/// # ) -> Result<(), CheckpointError> {
/// let mut folder = CheckpointFolder::new("checkpoints");
/// let mut epoch = 0;
/// if let Some(checkpoint) = folder.latest()? {
///     epoch = checkpoint.progress()?;
///     (learner, optimizer) = checkpoint.restore(learner, optimizer)?;
/// }
/// while epoch < 10 {
///     // … train for an epoch …
///     epoch += 1;
///     folder.save(&Checkpoint::new(&learner, &optimizer, &epoch)?)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CheckpointFolder {
    path: PathBuf,
    num_kept: usize,
    /// Numbers of the checkpoints that were found damaged.
    damaged: Vec<u64>,
}

impl CheckpointFolder {
    /// The checkpoints in the folder `path`. The newest two are kept. The first save creates the folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            num_kept: 2,
            damaged: Vec::new(),
        }
    }

    /// Keeps the newest `num_kept` checkpoints, at least one. With one, there is no earlier one to fall back to.
    pub fn keep(self, num_kept: usize) -> Self {
        let num_kept = num_kept.max(1);
        Self { num_kept, ..self }
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Saves a checkpoint as the newest, then removes those that are too old or were found damaged. Returns the file's
    /// path once the file is safe on the disk.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Io`] if it cannot be written, or if an old one cannot be removed.
    pub fn save(&mut self, checkpoint: &Checkpoint) -> Result<PathBuf, CheckpointError> {
        if !self.path.is_dir() {
            fs::create_dir_all(&self.path)
                .and_then(|()| sync_folder_of(&self.path))
                .map_err(CheckpointError::io("make", &self.path))?;
        }
        let before = self.numbers()?;
        let number = before.first().map_or(0, |newest| newest + 1);
        let path = self.file(number);
        checkpoint.save(&path)?;

        let damaged = core::mem::take(&mut self.damaged);
        let (damaged, whole): (Vec<u64>, Vec<u64>) = before
            .into_iter()
            .partition(|number| damaged.contains(number));
        let too_old = whole.into_iter().skip(self.num_kept - 1);
        for number in damaged.into_iter().chain(too_old) {
            let path = self.file(number);
            fs::remove_file(&path).map_err(CheckpointError::io("remove", &path))?;
        }
        Ok(path)
    }

    /// Loads the newest undamaged checkpoint. Returns `None` if there is no checkpoint at all. Each damaged checkpoint
    /// that is skipped is logged as a warning.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::NoneWhole`] if all are damaged. Other errors of [`Checkpoint::load`] are returned at once,
    /// because a file of another kind or format means that something else is wrong.
    pub fn latest(&mut self) -> Result<Option<Checkpoint>, CheckpointError> {
        let numbers = self.numbers()?;
        let mut newest = None;
        self.damaged.clear();
        for number in &numbers {
            match Checkpoint::load(self.file(*number)) {
                Ok(checkpoint) => return Ok(Some(checkpoint)),
                Err(error @ CheckpointError::Damaged { .. }) => {
                    warn!("{error}; trying the checkpoint before it");
                    self.damaged.push(*number);
                    newest.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        match newest {
            None => Ok(None),
            Some(newest) => Err(CheckpointError::NoneWhole {
                folder: self.path.clone(),
                count: numbers.len(),
                newest: Box::new(newest),
            }),
        }
    }

    fn file(&self, number: u64) -> PathBuf {
        self.path.join(name_of(number))
    }

    /// The numbers of the existing files, newest first.
    fn numbers(&self) -> Result<Vec<u64>, CheckpointError> {
        let failed = || CheckpointError::io("read", &self.path);
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed()(error)),
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed())?.file_name();
            numbers.extend(number_of(&name.to_string_lossy()));
        }
        numbers.sort_unstable_by_key(|number| core::cmp::Reverse(*number));
        Ok(numbers)
    }
}

fn name_of(number: u64) -> String {
    format!("{PREFIX}{number}{SUFFIX}")
}

/// The number in a name made by [`name_of`]. `None` for other names and for the largest number, which has no next one.
fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let number = number.parse().ok()?;
    (number < u64::MAX && name == name_of(number)).then_some(number)
}

const PREFIX: &str = "checkpoint-";
const SUFFIX: &str = ".ckpt";
