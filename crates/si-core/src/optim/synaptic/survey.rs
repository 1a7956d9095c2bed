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
pub(super) struct FoundSynapse {
    pub(super) id: ParamId,
    pub(super) synapse: Synapse<Dispatch>,
    pub(super) position: Position,
    pub(super) num_steps: usize,
}

enum Request {
    Survey(Vec<FoundSynapse>),
    Consolidation,
}

thread_local! {
    static REQUEST: RefCell<Option<Request>> = const { RefCell::new(None) };
}

/// The synapses in an optimizer, in no particular order.
pub(super) fn survey(optimizer: &ModuleOptimizer) -> Vec<FoundSynapse> {
    let found = Request::Survey(Vec::new());
    let (_, wanted) = while_requested(found, || optimizer.to_record());
    match wanted {
        Some(Request::Survey(found)) => found,
        Some(Request::Consolidation) | None => Vec::new(),
    }
}

/// During a survey, takes what a state shows of itself and returns `true`. Otherwise returns `false`.
pub(super) fn show(found: impl FnOnce() -> Option<FoundSynapse>) -> bool {
    REQUEST.with_borrow_mut(|place| match place {
        Some(Request::Survey(all)) => {
            all.extend(found());
            true
        }
        Some(Request::Consolidation) | None => false,
    })
}

/// Runs `step`, in which optimizers only consolidate.
pub(super) fn consolidating<T>(step: impl FnOnce() -> T) -> T {
    while_requested(Request::Consolidation, step).0
}

pub(super) fn is_consolidating() -> bool {
    REQUEST.with_borrow(|place| matches!(place, Some(Request::Consolidation)))
}

/// Runs `ask` and returns its result and what became of `wanted`. Restores the previous request, even if `ask`
/// panics.
fn while_requested<T>(wanted: Request, ask: impl FnOnce() -> T) -> (T, Option<Request>) {
    struct Restore(Option<Request>);
    impl Drop for Restore {
        fn drop(&mut self) {
            REQUEST.replace(self.0.take());
        }
    }
    let _restore = Restore(REQUEST.replace(Some(wanted)));
    let result = ask();
    (result, REQUEST.take())
}
