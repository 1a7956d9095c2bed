//! Parameters that grow along any axis, such as a head that gets an output for each new class.

use burn::Tensor;
use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::module::{Param, ParamId};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Shape, Slice};

use crate::precision::working;
use crate::trained::{in_mode_of, is_trained_or_adapted, plain_numbers};

/// A linear layer with `num_more` outputs after those of `head`, for the classes of a new task.
///
/// The new outputs are initialized by [`LinearConfig`]'s default, from the device's generator. The layer has the
/// mode of `head`, and is trained if `head` is. A LoRA adapter on `head` is merged, and then the whole layer is
/// trained. A quantised layer is dequantised. The layer's parameters have new ids, so an optimizer has no momentum
/// for them yet. Call [`rebind`](crate::ContinualLearner::rebind) to give them the synapses' state: the old outputs
/// are then as important as before, and the new ones are free:
///
/// ```
/// # use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::Device};
/// # use si_core::{ContinualLearner, SynapticIntelligenceConfig, with_more_outputs};
/// # #[derive(Module, Debug)]
/// # struct Network { head: Linear }
/// # fn main() -> Result<(), si_core::Error> {
/// # let network = Network { head: LinearConfig::new(4, 2).init(&Device::flex().autodiff()) };
/// # let mut learner = ContinualLearner::new(network, &SynapticIntelligenceConfig::new())?;
/// learner.end_task();
/// learner.head = with_more_outputs(&learner.head, 2);
/// learner.rebind();
/// # assert_eq!(learner.head.weight.dims(), [4, 4]);
/// # Ok(())
/// # }
/// ```
pub fn with_more_outputs(head: &Linear, num_more: usize) -> Linear {
    let [num_inputs, num_outputs] = head.weight.lazy_shape().dims();
    let config = LinearConfig::new(num_inputs, num_outputs + num_more);
    let config = config.with_bias(head.bias.is_some());
    let new = config.init(&head.weight.lazy_device());
    Linear {
        weight: overlaid(new.weight, &head.weight),
        bias: new
            .bias
            .zip(head.bias.as_ref())
            .map(|(new, old)| overlaid(new, old)),
    }
}

/// `old` under a new id, with the numbers of `new` after those of `old` along each axis. The result has the mode of
/// `old`, and is trained if `old` is or if `old` has an adapter.
fn overlaid<const D: usize>(new: Param<Tensor<D>>, old: &Param<Tensor<D>>) -> Param<Tensor<D>> {
    let value = plain_numbers(old);
    let corner = value.dims().map(|size| 0..size);
    let ground = new.val().inner().cast(value.dtype());
    let grown = in_mode_of(old, ground.slice_assign(corner, value));
    // Keeps the transformations for records.
    let (_, _, mapper) = old.clone().consume();
    Param::from_mapped_value(ParamId::new(), grown, mapper)
        .set_require_grad(is_trained_or_adapted(old))
}

/// Whether the state of a parameter of shape `old` fits one of shape `new`: both have the same number of axes, and
/// no axis has become shorter.
pub(crate) fn has_grown(old: &Shape, new: &Shape) -> bool {
    let [old, new] = [old, new].map(|shape| shape.to_vec());
    old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| old <= new)
}

/// Copies `state` into the leading corner of `ground`, at index 0 of every axis.
pub(crate) fn laid_over<B: Backend>(
    ground: FloatTensor<B>,
    state: FloatTensor<B>,
) -> FloatTensor<B> {
    let corner: Vec<Slice> = (state.shape().iter())
        .map(|size| Slice::from(0..*size))
        .collect();
    B::float_slice_assign(ground, &corner, state)
}

/// Zeros in the shape of a parameter, in its [`working`] precision.
pub(crate) fn zeros_like<B: Backend>(parameter: &FloatTensor<B>) -> FloatTensor<B> {
    let precision = working(parameter.dtype());
    B::float_zeros(parameter.shape(), &parameter.device(), precision.into())
}
