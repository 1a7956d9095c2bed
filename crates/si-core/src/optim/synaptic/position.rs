//! Which task the synapses of one parameter are in.
//!
//! A record says it in numbers of tasks, and it is loaded without the [`TaskControl`] that its optimizer has.
//! In memory it is the number of ends that those have counted, which stays right when `TaskControl` learn only
//! later how many tasks were before them.

use std::sync::{Arc, OnceLock};

use super::TaskControl;

/// The numbers of tasks that a record holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Recorded {
    /// The task that the synapses are in: the number of tasks that were consolidated in them.
    pub(super) task: usize,
    /// The task that was being learnt when the record was made. Where it is more, consolidation is due.
    pub(super) current: usize,
}

impl Recorded {
    /// Whether nothing is due.
    pub(super) fn is_current(self) -> bool {
        self.task == self.current
    }
}

/// The place among the ends that `tasks` have counted.
#[derive(Clone, Debug)]
struct Bound {
    tasks: TaskControl,
    /// The number of ends that were consolidated; below zero where some from before are due.
    ends: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Position {
    recorded: Recorded,
    /// Empty from the load until the optimizer's tasks are known. Shared, so that [`TaskControl::resume`] can
    /// fill it in an optimizer that it only reads.
    bound: Arc<OnceLock<Bound>>,
}

impl Position {
    /// That of synapses which begin now.
    pub(super) fn now(tasks: &TaskControl) -> Self {
        let position = Self::loaded(Recorded::default());
        position.bound.get_or_init(|| Bound {
            tasks: tasks.clone(),
            ends: tasks.ends(),
        });
        position
    }

    pub(super) fn loaded(recorded: Recorded) -> Self {
        Self {
            recorded,
            bound: Arc::default(),
        }
    }

    /// Whether it was loaded, and its tasks are not known yet.
    pub(super) fn is_loose(&self) -> bool {
        self.bound.get().is_none()
    }

    /// What a record says of it now.
    pub(super) fn record(&self) -> Recorded {
        match self.bound.get() {
            None => self.recorded,
            Some(bound) => Recorded {
                task: bound.tasks.number_after(bound.ends),
                current: bound.tasks.task(),
            },
        }
    }

    /// Ties it to `tasks`, which know of the record's, unless it is tied already.
    pub(super) fn bind(&self, tasks: &TaskControl) {
        self.bound.get_or_init(|| Bound {
            tasks: tasks.clone(),
            ends: tasks.ends_before(self.recorded.task),
        });
    }

    /// The number of task ends that are to be consolidated, which count as consolidated from now on.
    pub(super) fn advance(&mut self, tasks: &TaskControl) -> usize {
        let is_of_others = |bound: &Bound| !bound.tasks.is_same(tasks);
        if self.bound.get().is_some_and(is_of_others) {
            *self = Self::loaded(self.record());
        }
        if self.is_loose() {
            tasks.know(self.recorded.current);
            self.bind(tasks);
        }
        let consolidated = self.bound.get().map_or(tasks.ends(), |bound| bound.ends);
        let due = tasks.ends() - consolidated;
        if due != 0 {
            *self = Self::now(tasks);
        }
        usize::try_from(due).unwrap_or(0)
    }
}
