//! Passes a parameter's synapses to the optimizer that updates it.
//!
//! Burn's [`ModuleOptimizer`](burn::optim::ModuleOptimizer) gives an optimizer a parameter, its gradient and its
//! state, and nothing else. So the synapses are kept in a thread-local place while the optimizer updates their
//! parameter. At any other time the place is empty.

use std::cell::RefCell;

use burn::backend::{Dispatch, tensor::FloatTensor};

use crate::ops::SynapticUpdate;

/// What an optimizer needs from the synapses of the parameter that it updates.
pub(super) struct Offer {
    pub(super) path_integral: FloatTensor<Dispatch>,
    /// Any tensor if nothing is held back: the update's scale is then 0.
    pub(super) importance: FloatTensor<Dispatch>,
    pub(super) anchor: FloatTensor<Dispatch>,
    pub(super) update: SynapticUpdate,
}

/// What an optimizer returns for them.
pub(super) struct Answer {
    pub(super) path_integral: FloatTensor<Dispatch>,
    /// `[1]`.
    pub(super) penalty: FloatTensor<Dispatch>,
}

/// An offer, an answer, or neither.
#[derive(Default)]
struct Place {
    offer: Option<Offer>,
    answer: Option<Answer>,
}

thread_local! {
    static PLACE: RefCell<Place> = RefCell::new(Place::default());
}

/// Runs an optimizer that calls [`respond`], which finds the offer. Returns the optimizer's result and the answer.
///
/// # Panics
///
/// If [`respond`] did not run: the step would lack the penalty and the path integral.
pub(super) fn offer<T>(offer: Offer, optimizer: impl FnOnce() -> T) -> (T, Answer) {
    /// Restores the previous content of the place, even if the optimizer panics.
    struct Restore(Option<Place>);
    impl Drop for Restore {
        fn drop(&mut self) {
            PLACE.replace(self.0.take().unwrap_or_default());
        }
    }
    let _restore = Restore(Some(PLACE.replace(Place {
        offer: Some(offer),
        answer: None,
    })));
    let result = optimizer();
    let answer = PLACE.take().answer;
    (result, answer.expect("a fused optimizer takes the offer"))
}

/// Runs an update with the offer on this thread, if there is one, and stores its answer. Anything that the update
/// itself runs on this thread finds no offer.
pub(super) fn respond<T>(update: impl FnOnce(Option<Offer>) -> (T, Option<Answer>)) -> T {
    let (result, answer) = update(PLACE.take().offer);
    PLACE.with_borrow_mut(|place| place.answer = answer);
    result
}
