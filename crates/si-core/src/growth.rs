//! Parameters that grow: a head that gets an output for each new class, along whichever axis that is.

use burn::Tensor;
use burn::backend::{Backend, TensorMetadata, tensor::FloatTensor};
use burn::module::Param;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Shape, Slice};

/// A linear layer with `num_more` outputs after those of `head`, for the classes of a new task.
///
/// The new ones are drawn as [`LinearConfig`] does by default, from the device's generator. The layer's
/// parameters have new ids, so an optimizer has no momentum for them yet; the synapses find them by
/// [`rebind`](crate::ContinualLearner::rebind), after which the old outputs are as important as before
/// and the new ones are free:
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
    let weight = head.weight.val();
    let [num_inputs, num_outputs] = weight.dims();
    let config = LinearConfig::new(num_inputs, num_outputs + num_more);
    let new = config.with_bias(head.bias.is_some()).init(&weight.device());
    Linear {
        weight: overlaid(new.weight, &head.weight),
        bias: new
            .bias
            .zip(head.bias.as_ref())
            .map(|(new, old)| overlaid(new, old)),
    }
}

/// `new` with the values of `old` at the start of each axis.
fn overlaid<const D: usize>(new: Param<Tensor<D>>, old: &Param<Tensor<D>>) -> Param<Tensor<D>> {
    let is_trained = old.is_require_grad();
    let old = old.val().inner();
    let corner = old.dims().map(|size| 0..size);
    let ground = new.val().inner().cast(old.dtype());
    let value = Tensor::from_inner(ground.slice_assign(corner, old));
    Param::from_tensor(value).set_require_grad(is_trained)
}

/// Whether the state of a parameter that was of shape `old` can be that of one of shape `new`: no axis has
/// become shorter, and none has come or gone.
pub(crate) fn has_grown(old: &Shape, new: &Shape) -> bool {
    let [old, new] = [old, new].map(|shape| shape.to_vec());
    old.len() == new.len() && old.iter().zip(&new).all(|(old, new)| old <= new)
}

/// `ground` with `state`, which it has grown from, at the start of each axis.
pub(crate) fn laid_over<B: Backend>(
    ground: FloatTensor<B>,
    state: FloatTensor<B>,
) -> FloatTensor<B> {
    let corner: Vec<Slice> = (state.shape().iter())
        .map(|size| Slice::from(0..*size))
        .collect();
    B::float_slice_assign(ground, &corner, state)
}

/// Zeros of the shape and precision of `tensor`.
pub(crate) fn zeros_like<B: Backend>(tensor: &FloatTensor<B>) -> FloatTensor<B> {
    B::float_zeros(tensor.shape(), &tensor.device(), tensor.dtype().into())
}
