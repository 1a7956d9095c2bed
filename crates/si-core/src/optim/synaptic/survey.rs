//! How a [`ModuleOptimizer`] is asked for the synapses in it.
//!
//! It hands its state to no one, but has each state write itself into a record, and has each optimizer
//! update its parameter. So what is wanted waits in a place of the thread while it does: a state that is
//! surveyed shows itself in place of writing, and an optimizer that consolidates leaves the parameter as
//! it is. The place is empty at any other time. Bare optimizers beside them write their state, for nothing,
//! and so a survey is for a task's end and not for a step.

use std::cell::RefCell;

use burn::backend::Dispatch;
use burn::module::ParamId;
use burn::optim::ModuleOptimizer;

use super::position::Position;
use crate::Synapse;

/// What is found of one parameter.
pub(super) struct Found {
    pub(super) id: ParamId,
    pub(super) synapse: Synapse<Dispatch>,
    pub(super) position: Position,
    pub(super) num_steps: usize,
}

enum Wanted {
    Survey(Vec<Found>),
    Consolidation,
}

thread_local! {
    static PLACE: RefCell<Option<Wanted>> = const { RefCell::new(None) };
}

/// The synapses in an optimizer, in no order.
pub(super) fn survey(optimizer: &ModuleOptimizer) -> Vec<Found> {
    let found = Wanted::Survey(Vec::new());
    let (_, wanted) = while_wanted(found, || optimizer.to_record());
    match wanted {
        Some(Wanted::Survey(found)) => found,
        Some(Wanted::Consolidation) | None => Vec::new(),
    }
}

/// Takes what a state shows of itself, where one is asked for it. Returns whether it is.
pub(super) fn show(found: impl FnOnce() -> Option<Found>) -> bool {
    PLACE.with_borrow_mut(|place| match place {
        Some(Wanted::Survey(all)) => {
            all.extend(found());
            true
        }
        Some(Wanted::Consolidation) | None => false,
    })
}

/// Runs `step`, in which optimizers consolidate and do nothing else.
pub(super) fn consolidating<T>(step: impl FnOnce() -> T) -> T {
    while_wanted(Wanted::Consolidation, step).0
}

pub(super) fn is_consolidating() -> bool {
    PLACE.with_borrow(|place| matches!(place, Some(Wanted::Consolidation)))
}

/// Runs `ask` and returns what has become of `wanted`. What was wanted before is restored, even where
/// `ask` panics.
fn while_wanted<T>(wanted: Wanted, ask: impl FnOnce() -> T) -> (T, Option<Wanted>) {
    struct Restore(Option<Wanted>);
    impl Drop for Restore {
        fn drop(&mut self) {
            PLACE.replace(self.0.take());
        }
    }
    let _restore = Restore(PLACE.replace(Some(wanted)));
    let result = ask();
    (result, PLACE.take())
}
