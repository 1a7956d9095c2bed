//! Gets the synapses out of a [`ModuleOptimizer`].
//!
//! A `ModuleOptimizer` gives no access to its state. But it makes each state write itself into a record, and it
//! makes each optimizer update its parameter. So a request is kept in a thread-local place while it does that.
//! During a request to collect, a state gives its synapse instead of writing. During one to consolidate, an optimizer
//! leaves the parameter as it is. At any other time the place is empty. While synapses are collected, bare optimizers in
//! the same `ModuleOptimizer` still write their state, which is not used. So collect at a task's end, not in a step.

use std::cell::RefCell;

use burn::backend::Dispatch;
use burn::module::ParamId;
use burn::optim::ModuleOptimizer;

use super::position::Position;
use crate::Synapse;

/// The synapse of one parameter in an optimizer.
pub(super) struct FoundSynapse {
    pub(super) id: ParamId,
    pub(super) synapse: Synapse<Dispatch>,
    pub(super) position: Position,
    pub(super) num_steps: usize,
}

enum Request {
    Collect(Vec<FoundSynapse>),
    Consolidate,
}

thread_local! {
    static REQUEST: RefCell<Option<Request>> = const { RefCell::new(None) };
}

/// The synapses in an optimizer, in no particular order.
pub(super) fn collect_synapses(optimizer: &ModuleOptimizer) -> Vec<FoundSynapse> {
    let found = Request::Collect(Vec::new());
    let (_, wanted) = while_requested(found, || optimizer.to_record());
    match wanted {
        Some(Request::Collect(found)) => found,
        Some(Request::Consolidate) | None => Vec::new(),
    }
}

/// If synapses are being collected, takes the one that a state has and returns `true`. Otherwise returns `false`.
pub(super) fn offer(found: impl FnOnce() -> Option<FoundSynapse>) -> bool {
    REQUEST.with_borrow_mut(|place| match place {
        Some(Request::Collect(all)) => {
            all.extend(found());
            true
        }
        Some(Request::Consolidate) | None => false,
    })
}

/// Runs `step`, in which optimizers only consolidate.
pub(super) fn consolidating<T>(step: impl FnOnce() -> T) -> T {
    while_requested(Request::Consolidate, step).0
}

pub(super) fn is_consolidating() -> bool {
    REQUEST.with_borrow(|place| matches!(place, Some(Request::Consolidate)))
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
