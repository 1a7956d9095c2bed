use std::ops::Range;

use burn::tensor::Tensor;
use si_core::importance::{Power, Quantity};
use si_core::{Error, Importance};

use super::Cnn;
use crate::model::one_by_one;

impl Cnn {
    /// The importance of the parameters for a quantity of the `outputs`, one image at a time, by
    /// [`importance::from_outputs`](si_core::importance::from_outputs). Dropout is off, as when testing.
    ///
    /// `batches` are `[batch, pixels]`; all images have the same weight, whatever the batches. The quantity sees only the
    /// logits at `outputs`.
    ///
    /// # Errors
    ///
    /// Those of [`importance::from_outputs`](si_core::importance::from_outputs).
    pub fn importance(
        &self,
        batches: impl IntoIterator<Item = Tensor<2>>,
        outputs: Range<usize>,
        quantity: Quantity<'_>,
        power: Power,
    ) -> Result<Importance, Error> {
        one_by_one::importance(self, Self::forward, batches, outputs, quantity, power)
    }
}

#[cfg(test)]
mod tests;
