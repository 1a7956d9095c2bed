//! Importance of networks without a closed form: one image after the other.

use burn::module::Module;
use burn::tensor::{Int, Tensor, activation};
use si_core::importance::{self, FisherLabels};
use si_core::{Error, Importance};

/// The Fisher information of the images about the parameters, by
/// [`importance::fisher`](si_core::importance::fisher()).
///
/// `forward` makes logits, `[batch, outputs]`, of images, `[batch, pixels]`. `mask`, `[outputs]`, is added to the logits.
pub(super) fn fisher<M: Module>(
    network: &M,
    forward: impl Fn(&M, Tensor<2>) -> Tensor<2>,
    batches: impl IntoIterator<Item = Tensor<2>>,
    mask: Option<Tensor<1>>,
    labels: FisherLabels<'_>,
) -> Result<Importance, Error> {
    let images = batches.into_iter().flat_map(|images| images.split(1, 0));
    let log_likelihood = |network: &M, image: &Tensor<2>| {
        let logits = forward(network, image.clone().inner().autodiff());
        let logits = logits.squeeze_dim::<1>(0);
        let logits = match &mask {
            Some(mask) => logits + mask.clone(),
            None => logits,
        };
        activation::log_softmax(logits, 0)
    };
    importance::fisher(network, images, log_likelihood, labels)
}

/// How much the outputs change with each parameter, by
/// [`importance::sensitivity`](si_core::importance::sensitivity()).
///
/// `forward` makes logits, `[batch, outputs]`, of images, `[batch, pixels]`. Outputs at which `mask`, `[outputs]`, is not 0
/// do not count.
pub(super) fn sensitivity<M: Module>(
    network: &M,
    forward: impl Fn(&M, Tensor<2>) -> Tensor<2>,
    batches: impl IntoIterator<Item = Tensor<2>>,
    mask: Option<Tensor<1>>,
) -> Result<Importance, Error> {
    let images = batches.into_iter().flat_map(|images| images.split(1, 0));
    let counted = mask.map(|mask| -> Tensor<1, Int> { mask.equal_elem(0.0).nonzero().remove(0) });
    importance::sensitivity(network, images, |network: &M, image: &Tensor<2>| {
        let logits = forward(network, image.clone().inner().autodiff());
        let logits = logits.squeeze_dim::<1>(0);
        match &counted {
            Some(counted) => logits.select(0, counted.clone().autodiff()),
            None => logits,
        }
    })
}
