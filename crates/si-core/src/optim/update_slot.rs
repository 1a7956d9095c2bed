//! Passes a parameter's synapses to the optimizer that updates it.
//!
//! Burn's [`ModuleOptimizer`](burn::optim::ModuleOptimizer) gives an optimizer a parameter, its gradient and its
//! state, and nothing else. So the synapses are kept in a thread-local slot while the optimizer updates their
//! parameter. At any other time the slot is empty.

use std::cell::RefCell;

use burn::backend::{Dispatch, tensor::FloatTensor};

use crate::ops::SynapticUpdate;

/// What an optimizer needs from the synapses of the parameter that it updates.
pub(super) struct UpdateInput {
    pub(super) path_integral: FloatTensor<Dispatch>,
    /// Any tensor if nothing is held back: the update's scale is then 0.
    pub(super) importance: FloatTensor<Dispatch>,
    pub(super) anchor: FloatTensor<Dispatch>,
    pub(super) update: SynapticUpdate,
}

/// What an optimizer returns for them.
pub(super) struct UpdateOutput {
    pub(super) path_integral: FloatTensor<Dispatch>,
    /// `[1]`.
    pub(super) penalty: FloatTensor<Dispatch>,
}

/// An input, an output, or neither.
#[derive(Default)]
struct Slot {
    input: Option<UpdateInput>,
    output: Option<UpdateOutput>,
}

thread_local! {
    static SLOT: RefCell<Slot> = RefCell::new(Slot::default());
}

/// Runs an optimizer that calls [`take_input`]. Returns the optimizer's result and the output.
///
/// # Panics
///
/// If [`take_input`] did not run: the step would lack the penalty and the path integral.
pub(super) fn with_input<T>(
    input: UpdateInput,
    optimizer: impl FnOnce() -> T,
) -> (T, UpdateOutput) {
    /// Restores the previous content of the slot, even if the optimizer panics.
    struct Restore(Option<Slot>);
    impl Drop for Restore {
        fn drop(&mut self) {
            SLOT.replace(self.0.take().unwrap_or_default());
        }
    }
    let _restore = Restore(Some(SLOT.replace(Slot {
        input: Some(input),
        output: None,
    })));
    let result = optimizer();
    let output = SLOT.take().output;
    (result, output.expect("a fused optimizer takes the input"))
}

/// Runs an update with the input on this thread, if there is one, and stores its output. Anything that the update
/// itself runs on this thread finds no input.
pub(super) fn take_input<T>(
    update: impl FnOnce(Option<UpdateInput>) -> (T, Option<UpdateOutput>),
) -> T {
    let (result, output) = update(SLOT.take().input);
    SLOT.with_borrow_mut(|slot| slot.output = output);
    result
}
