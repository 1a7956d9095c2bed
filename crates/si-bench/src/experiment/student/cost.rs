use crate::experiment::cost::{Kept, Passes};
use crate::experiment::device_task::Batch;

use super::Student;

impl Student {
    /// Counts a step's own minibatch.
    pub(super) fn count_trained(&self, batch: &Batch) {
        self.passes.count(Passes {
            trained: batch.len() as u64,
            ..Passes::default()
        });
    }

    /// The passes since the last call.
    pub(in crate::experiment) fn take_passes(&self) -> Passes {
        let mut sum = self.passes.take();
        for part in [
            self.anchor.as_ref().map(|it| &it.passes),
            self.frozen_copy.as_ref().map(|it| &it.passes),
            self.rehearsal.as_ref().map(|it| &it.passes),
        ]
        .into_iter()
        .flatten()
        {
            sum += part.take();
        }
        sum
    }

    /// What the method holds beside the network and the optimizer's state.
    pub(in crate::experiment) fn kept(&self) -> Kept {
        let parts = [
            Some(Kept::synapses(self.learner.regularizer())),
            self.anchor.as_ref().map(|it| it.kept(&self.learner)),
            self.frozen_copy.as_ref().map(|it| it.kept()),
            self.rehearsal.as_ref().map(|it| it.kept()),
        ];
        parts.into_iter().flatten().sum()
    }
}
