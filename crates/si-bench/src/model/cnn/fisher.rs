use burn::tensor::Tensor;
use si_core::importance::FisherLabels;
use si_core::{Error, Importance};

use super::Cnn;
use crate::model::one_by_one;

impl Cnn {
    /// The Fisher information of the images about the parameters, one image at a time, by
    /// [`importance::fisher`](si_core::importance::fisher()). Dropout is off, as when testing.
    ///
    /// `batches` are `[batch, pixels]`; all images have the same weight, whatever the batches. `mask`, `[outputs]`, is
    /// added to the logits; labels whose probability becomes 0 are skipped. Each image takes a forward and backward
    /// pass for each label with [`FisherLabels::Exact`], and one in total with [`FisherLabels::Sampled`].
    ///
    /// # Errors
    ///
    /// Those of [`importance::fisher`](si_core::importance::fisher()).
    pub fn fisher(
        &self,
        batches: impl IntoIterator<Item = Tensor<2>>,
        mask: Option<Tensor<1>>,
        labels: FisherLabels<'_>,
    ) -> Result<Importance, Error> {
        one_by_one::fisher(self, Self::forward, batches, mask, labels)
    }
}

#[cfg(test)]
mod tests;
