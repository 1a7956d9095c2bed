use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use burn::module::Param;
use burn::tensor::Tensor;
use serde::Deserialize;
use si_core::checkpoint::CheckpointError;
use si_core::{Checkpoint, CheckpointFolder};

use crate::Error;
use crate::experiment::path_integrals::PathIntegrals;
use crate::experiment::{Checkpointing, Condition, ExperimentConfig};

use super::identity::Identity;

/// The files of the checkpoints of one run, or of several that are trained at once.
///
/// The path integrals of a finished task no longer change, so they are written once, to separate files.
pub(in crate::experiment) struct CheckpointFiles {
    folder: CheckpointFolder,
    period: Duration,
    identity: Identity,
    last: Instant,
    /// Number of tasks whose path integrals are on the disk and belong to the path of these runs.
    stored_tasks: usize,
}

impl CheckpointFiles {
    pub(in crate::experiment) fn new(
        place: Checkpointing,
        config: &ExperimentConfig,
        first: (&Condition, u64),
        others: &[(Condition, u64)],
    ) -> Self {
        Self {
            folder: CheckpointFolder::new(place.folder),
            period: place.period,
            identity: Identity::new(config, first, others),
            last: Instant::now(),
            stored_tasks: 0,
        }
    }

    /// What a checkpoint must hold under the name `identity`, so that [`latest`](Self::latest) returns it.
    pub(in crate::experiment) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether the last checkpoint is old enough for another one.
    pub(in crate::experiment) fn is_due(&self) -> bool {
        self.last.elapsed() >= self.period
    }

    /// Writes a checkpoint, and the path integrals that are not on the disk yet.
    pub(in crate::experiment) fn save(
        &mut self,
        checkpoint: Result<Checkpoint, CheckpointError>,
        path_integrals: &PathIntegrals,
    ) -> Result<(), Error> {
        let folder = self.folder.path();
        for task in self.stored_tasks..path_integrals.num_tasks() {
            path_integrals.write_task(task, &path_integral(folder, task))?;
        }
        let saved = checkpoint.and_then(|checkpoint| self.folder.save(&checkpoint));
        saved.map_err(io_error)?;
        self.stored_tasks = path_integrals.num_tasks();
        self.last = Instant::now();
        Ok(())
    }

    /// The newest intact checkpoint, if there is one. Fails if it belongs to other runs.
    pub(in crate::experiment) fn latest(&mut self) -> Result<Option<Checkpoint>, Error> {
        /// The part of a checkpoint's content that is needed here.
        #[derive(Deserialize)]
        struct Written {
            identity: Identity,
        }
        let latest = self.folder.latest();
        let Some(checkpoint) = latest.map_err(|error| self.failed(error))? else {
            return Ok(None);
        };
        let written = checkpoint.progress();
        let written: Written = written.map_err(|error| self.failed(error))?;
        match written.identity.difference(&self.identity) {
            Some(difference) => Err(self.unusable(difference)),
            None => Ok(Some(checkpoint)),
        }
    }

    /// The path integrals of the first tasks, of a network with these `weights`.
    pub(in crate::experiment) fn read_path_integrals<const D: usize>(
        &mut self,
        num_tasks: usize,
        weights: &[&Param<Tensor<D>>],
    ) -> Result<PathIntegrals, Error> {
        let mut path_integrals = PathIntegrals::default();
        for task in 0..num_tasks {
            let file = path_integral(self.folder.path(), task);
            path_integrals
                .read_task(&file, weights)
                .map_err(|error| self.unusable(format!("{}: {error}", file.display())))?;
        }
        self.stored_tasks = num_tasks;
        Ok(path_integrals)
    }

    /// The error of a checkpoint that cannot be read or restored.
    pub(in crate::experiment) fn failed(&self, error: CheckpointError) -> Error {
        match error {
            CheckpointError::Io { .. } => io_error(error),
            error => self.unusable(with_causes(&error)),
        }
    }

    pub(in crate::experiment) fn unusable(&self, reason: String) -> Error {
        Error::Checkpoint {
            path: self.folder.path().to_path_buf(),
            reason,
        }
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
