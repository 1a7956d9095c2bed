//! How a parameter's synapses reach the optimizer that updates it.
//!
//! Burn's [`ModuleOptimizer`](burn::optim::ModuleOptimizer) gives an optimizer a parameter, its gradient
//! and its state, and nothing else. So the synapses are laid down just before, on the same thread, and
//! picked up again just after.

use std::cell::RefCell;

use burn::backend::{Dispatch, tensor::FloatTensor};

use crate::ops::SynapticUpdate;

/// What an optimizer needs of the synapses of the parameter that it updates.
pub(super) struct Offer {
    pub(super) path_integral: FloatTensor<Dispatch>,
    /// Ω and θ̃. None where nothing is held back.
    pub(super) held: Option<[FloatTensor<Dispatch>; 2]>,
    pub(super) update: SynapticUpdate,
}

/// What an optimizer has made of them.
pub(super) struct Answer {
    pub(super) path_integral: FloatTensor<Dispatch>,
    /// `[1]`.
    pub(super) penalty: FloatTensor<Dispatch>,
}

/// What lies on a thread while it updates a parameter, and at no other time.
struct Slot {
    offer: Option<Offer>,
    answer: Option<Answer>,
}

thread_local! {
    static SLOT: RefCell<Slot> = const { RefCell::new(EMPTY) };
}

const EMPTY: Slot = Slot {
    offer: None,
    answer: None,
};

/// Offers the synapses while `update` runs. Returns its result and the answer.
///
/// # Panics
///
/// If `update` has not taken the offer: the step would be without penalty and path integral.
pub(super) fn offer<T>(offer: Offer, update: impl FnOnce() -> T) -> (T, Answer) {
    /// Leaves nothing behind, even where the update panics.
    struct Clear;
    impl Drop for Clear {
        fn drop(&mut self) {
            SLOT.replace(EMPTY);
        }
    }
    let _clear = Clear;
    SLOT.with_borrow_mut(|slot| slot.offer = Some(offer));
    let result = update();
    let answer = SLOT.replace(EMPTY).answer;
    (result, answer.expect("a fused optimizer takes the offer"))
}

/// Takes the offer, if there is one. Whoever takes it must [`answer`].
pub(super) fn take() -> Option<Offer> {
    SLOT.with_borrow_mut(|slot| slot.offer.take())
}

/// Answers the offer that was taken.
pub(super) fn answer(answer: Answer) {
    SLOT.with_borrow_mut(|slot| slot.answer = Some(answer));
}
