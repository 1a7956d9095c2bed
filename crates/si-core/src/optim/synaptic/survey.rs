//! Gets the synapses out of a [`ModuleOptimizer`].
//!
//! A `ModuleOptimizer` gives no access to its state. But it makes each state write itself into a record, and it
//! makes each optimizer update its parameter. So a request is kept in a thread-local place while it does that.
//! During a survey, a state shows itself instead of writing. During a consolidation, an optimizer leaves the
//! parameter as it is. At any other time the place is empty. In a survey, bare optimizers in the same
//! `ModuleOptimizer` still write their state, to no use. So a survey belongs at a task's end, not in a step.

use std::cell::RefCell;

use burn::backend::Dispatch;
use burn::module::ParamId;
use burn::optim::ModuleOptimizer;

use super::position::Position;
use crate::Synapse;

/// What a survey finds for one parameter.
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

/// The synapses in an optimizer, in no particular order.
pub(super) fn survey(optimizer: &ModuleOptimizer) -> Vec<Found> {
    let found = Wanted::Survey(Vec::new());
    let (_, wanted) = while_wanted(found, || optimizer.to_record());
    match wanted {
        Some(Wanted::Survey(found)) => found,
        Some(Wanted::Consolidation) | None => Vec::new(),
    }
}

/// During a survey, takes what a state shows of itself and returns `true`. Otherwise returns `false`.
pub(super) fn show(found: impl FnOnce() -> Option<Found>) -> bool {
    PLACE.with_borrow_mut(|place| match place {
        Some(Wanted::Survey(all)) => {
            all.extend(found());
            true
        }
        Some(Wanted::Consolidation) | None => false,
    })
}

/// Runs `step`, in which optimizers only consolidate.
pub(super) fn consolidating<T>(step: impl FnOnce() -> T) -> T {
    while_wanted(Wanted::Consolidation, step).0
}

pub(super) fn is_consolidating() -> bool {
    PLACE.with_borrow(|place| matches!(place, Some(Wanted::Consolidation)))
}

/// Runs `ask` and returns its result and what became of `wanted`. Restores the previous request, even if `ask`
/// panics.
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
