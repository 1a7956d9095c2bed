//! Importance of networks without a closed form: one image after the other.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::Tensor;
use si_core::importance::{self, Power, Quantity};
use si_core::{Error, Importance};

/// The importance of the parameters for a quantity of the `outputs`, by [`importance::from_outputs`].
///
/// `forward` makes logits, `[batch, outputs]`, of images, `[batch, pixels]`. All images have the same weight, whatever the
/// batches.
pub(super) fn importance<M: Module>(
    network: &M,
    forward: impl Fn(&M, Tensor<2>) -> Tensor<2>,
    batches: impl IntoIterator<Item = Tensor<2>>,
    outputs: Range<usize>,
    quantity: Quantity<'_>,
    power: Power,
) -> Result<Importance, Error> {
    let images = batches.into_iter().flat_map(|images| images.split(1, 0));
    let seen = |network: &M, image: &Tensor<2>| {
        let logits = forward(network, image.clone().inner().autodiff());
        logits.squeeze_dim::<1>(0).slice([outputs.clone()])
    };
    importance::from_outputs(network, images, seen, quantity, power)
}
