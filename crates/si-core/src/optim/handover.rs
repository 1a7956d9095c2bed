//! How a parameter's synapses reach the optimizer that updates it.
//!
//! Burn's [`ModuleOptimizer`](burn::optim::ModuleOptimizer) gives an optimizer a parameter, its gradient
//! and its state, and nothing else. So the synapses wait in a place of the thread while the optimizer
//! updates their parameter. The place is empty at any other time.

use std::cell::RefCell;

use burn::backend::{Dispatch, tensor::FloatTensor};

use crate::ops::SynapticUpdate;

/// What an optimizer needs of the synapses of the parameter that it updates.
pub(super) struct Offer {
    pub(super) path_integral: FloatTensor<Dispatch>,
    /// Any tensor where nothing is held back, as the update's scale is 0 then.
    pub(super) importance: FloatTensor<Dispatch>,
    pub(super) anchor: FloatTensor<Dispatch>,
    pub(super) update: SynapticUpdate,
}

/// What an optimizer has made of them.
pub(super) struct Answer {
    pub(super) path_integral: FloatTensor<Dispatch>,
    /// `[1]`.
    pub(super) penalty: FloatTensor<Dispatch>,
}

/// One of the two, or none.
#[derive(Default)]
struct Place {
    offer: Option<Offer>,
    answer: Option<Answer>,
}

thread_local! {
    static PLACE: RefCell<Place> = RefCell::new(Place::default());
}

/// Runs an optimizer, whose [`respond`] finds the offer. Returns its result and the answer.
///
/// # Panics
///
/// If no [`respond`] has run: the step would be without penalty and path integral.
pub(super) fn offer<T>(offer: Offer, optimizer: impl FnOnce() -> T) -> (T, Answer) {
    /// Restores what was there before, even where the optimizer panics.
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

/// Runs an update with what is offered on this thread, if anything is, and leaves its answer. Whatever
/// the update itself runs on this thread finds nothing.
pub(super) fn respond<T>(update: impl FnOnce(Option<Offer>) -> (T, Option<Answer>)) -> T {
    let (result, answer) = update(PLACE.take().offer);
    PLACE.with_borrow_mut(|place| place.answer = answer);
    result
}
