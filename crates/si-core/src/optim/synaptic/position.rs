//! Which task the synapses of one parameter are in.
//!
//! A record stores task numbers, and it is loaded without the [`TaskControl`] of its optimizer. In memory the
//! position is the number of task ends that the `TaskControl` has counted. That stays right even if the
//! `TaskControl` learns only later how many tasks came before.

use std::sync::{Arc, OnceLock};

use super::TaskControl;

/// The task numbers that a record stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Recorded {
    /// The task that the synapses are in: the number of tasks that they have consolidated.
    pub(super) task: usize,
    /// The task that was being learnt when the record was written. If it is larger than `task`, consolidation is
    /// due.
    pub(super) current: usize,
}

impl Recorded {
    /// Whether no consolidation is due.
    pub(super) fn is_current(self) -> bool {
        self.task == self.current
    }
}

/// The position among the task ends that `tasks` has counted.
#[derive(Clone, Debug)]
struct Bound {
    tasks: TaskControl,
    /// The number of ends consolidated so far. Negative if ends from before the load are due.
    ends: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Position {
    recorded: Recorded,
    /// Empty after a load until the optimizer's `TaskControl` is known. Shared, so that [`TaskControl::resume`]
    /// can fill it in an optimizer that it only reads.
    bound: Arc<OnceLock<Bound>>,
}

impl Position {
    /// The position of new synapses.
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

    /// Whether it was loaded and its `TaskControl` is not known yet.
    pub(super) fn is_loose(&self) -> bool {
        self.bound.get().is_none()
    }

    /// What a record written now stores.
    pub(super) fn record(&self) -> Recorded {
        match self.bound.get() {
            None => self.recorded,
            Some(bound) => Recorded {
                task: bound.tasks.number_after(bound.ends),
                current: bound.tasks.task(),
            },
        }
    }

    /// Ties it to `tasks`, which already knows the record's tasks. Does nothing if it is tied.
    pub(super) fn bind(&self, tasks: &TaskControl) {
        self.bound.get_or_init(|| Bound {
            tasks: tasks.clone(),
            ends: tasks.ends_before(self.recorded.task),
        });
    }

    /// The number of task ends to consolidate. They count as consolidated from now on.
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
