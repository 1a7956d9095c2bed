use serde::{Deserialize, Serialize};

use crate::Error;
use crate::experiment::checkpoint::{CheckpointFiles, Identity};
use crate::experiment::path_integrals::PathIntegrals;
use crate::experiment::{Checkpointing, Condition, ExperimentConfig};

use super::journals::Journals;
use super::student::StackedStudent;

/// The checkpoints of a stack, which are written between epochs as those of a single run.
pub(super) struct StackedCheckpoints {
    files: CheckpointFiles,
}

/// What a checkpoint is written with.
#[derive(Serialize)]
struct Content<'a> {
    identity: &'a Identity,
    journals: &'a Journals,
}

/// What is read of a checkpoint whose identity has been checked.
#[derive(Deserialize)]
struct Stored {
    journals: Journals,
}

/// A resumed stack: its results so far, the networks, and the path integrals of its tasks.
pub(super) struct Restored {
    pub(super) journals: Journals,
    pub(super) student: StackedStudent,
    pub(super) path_integrals: PathIntegrals,
}

impl StackedCheckpoints {
    /// Those of `runs`. `None` if there are none.
    pub(super) fn new(
        place: Checkpointing,
        config: &ExperimentConfig,
        runs: &[(Condition, u64)],
    ) -> Option<Self> {
        let ((condition, seed), others) = runs.split_first()?;
        Some(Self {
            files: CheckpointFiles::new(place, config, (condition, *seed), others),
        })
    }

    /// Writes a checkpoint if the last one is old enough.
    pub(super) fn save_if_due(
        &mut self,
        journals: &Journals,
        student: &StackedStudent,
        path_integrals: &PathIntegrals,
    ) -> Result<(), Error> {
        if !self.files.is_due() {
            return Ok(());
        }
        let checkpoint = student.checkpoint(&Content {
            identity: self.files.identity(),
            journals,
        });
        self.files.save(checkpoint, path_integrals)
    }

    /// The newest intact checkpoint, if there is one. `keeps_path_integrals` says whether the runs store the path integrals
    /// of their finished tasks.
    pub(super) fn restore(
        &mut self,
        config: &ExperimentConfig,
        new_student: impl FnOnce() -> Result<StackedStudent, Error>,
        keeps_path_integrals: bool,
    ) -> Result<Option<Restored>, Error> {
        let Some(checkpoint) = self.files.latest()? else {
            return Ok(None);
        };
        let stored = checkpoint.progress();
        let Stored { journals } = stored.map_err(|error| self.files.failed(error))?;
        let point = journals.point();
        let mut student = new_student()?;
        if point.lesson > 0 {
            student.reset_optimizer(config, point.steps_before_lesson);
        }
        let student = student.restore(&checkpoint);
        let student = student.map_err(|error| self.files.failed(error))?;
        let num_tasks = if keeps_path_integrals {
            point.lesson
        } else {
            0
        };
        let weights = student.learner.hidden_weights();
        let path_integrals = self.files.read_path_integrals(num_tasks, &weights)?;
        Ok(Some(Restored {
            journals,
            student,
            path_integrals,
        }))
    }
}
