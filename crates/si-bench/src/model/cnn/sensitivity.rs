use burn::tensor::{Int, Tensor};
use si_core::{Error, Importance, importance};

use super::Cnn;

impl Cnn {
    /// How much the outputs change with each parameter, one image at a time, by
    /// [`importance::sensitivity`](si_core::importance::sensitivity()). Dropout is off, as when testing.
    ///
    /// `batches` are `[batch, pixels]`; all images have the same weight, whatever the batches. Outputs at which `mask`,
    /// `[outputs]`, is not 0 do not count.
    ///
    /// # Errors
    ///
    /// Those of [`importance::sensitivity`](si_core::importance::sensitivity()).
    pub fn sensitivity(
        &self,
        batches: impl IntoIterator<Item = Tensor<2>>,
        mask: Option<Tensor<1>>,
    ) -> Result<Importance, Error> {
        let images = batches.into_iter().flat_map(|images| images.split(1, 0));
        let counted =
            mask.map(|mask| -> Tensor<1, Int> { mask.equal_elem(0.0).nonzero().remove(0) });
        importance::sensitivity(self, images, |network: &Self, image: &Tensor<2>| {
            let logits = network.forward(image.clone().inner().autodiff());
            let logits = logits.squeeze_dim::<1>(0);
            match &counted {
                Some(counted) => logits.select(0, counted.clone().autodiff()),
                None => logits,
            }
        })
    }
}
