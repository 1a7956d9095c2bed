use serde::{Deserialize, Serialize};

use crate::experiment::cost::Passes;
use crate::experiment::journal::Journal;
use crate::experiment::{Cost, EpochRecord};

/// The results so far of the runs of a stack, which are all at the same point.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Journals {
    first: Journal,
    others: Vec<Journal>,
}

impl Journals {
    /// Those of runs that have not begun. `initial_accuracies` are the test accuracies of each untrained network on each
    /// task, `[replicas][tasks]`.
    pub(super) fn new(initial_accuracies: Vec<Vec<f64>>, num_parameters: u64) -> Self {
        let mut journals = initial_accuracies
            .into_iter()
            .map(|initial_accuracy| Journal {
                initial_accuracy,
                cost: Cost {
                    num_parameters,
                    ..Cost::default()
                },
                ..Journal::default()
            });
        Self {
            first: journals.next().unwrap_or_default(),
            others: journals.collect(),
        }
    }

    /// The point where all runs are, in the journal of the first.
    pub(super) fn point(&self) -> &Journal {
        &self.first
    }

    /// All journals, in the order of the replicas.
    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut Journal> {
        [&mut self.first].into_iter().chain(&mut self.others)
    }

    pub(super) fn into_vec(self) -> Vec<Journal> {
        [self.first].into_iter().chain(self.others).collect()
    }

    pub(super) fn count_step(&mut self) {
        self.each().for_each(|journal| journal.steps_done += 1);
    }

    /// Ends an epoch, in which each run has passed `num_images` images forward and backward. `task_losses` are the mean
    /// losses of its steps, `[replicas]`.
    pub(super) fn end_epoch(&mut self, task_losses: Vec<f64>, num_images: usize) {
        for (journal, task_loss) in self.each().zip(task_losses) {
            journal.epochs.push(EpochRecord {
                task: journal.lesson,
                epoch: journal.epoch,
                task_loss: Some(task_loss).filter(|loss| loss.is_finite()),
                penalty: None,
                penalty_share: None,
                accuracy: Vec::new(),
            });
            journal.cost.passes += Passes {
                trained: num_images as u64,
                ..Passes::both(num_images)
            };
            journal.epoch += 1;
        }
    }
}
