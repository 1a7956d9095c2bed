use burn::Tensor;
use burn::module::Module;

use super::{Importance, Power, from_gradients};
use crate::Error;

/// How much the outputs change with each parameter: the mean over `examples` of `|∂ ‖z(x)‖² / ∂θ|`, for the outputs z.
///
/// Aljundi et al. (2018) use it in Memory Aware Synapses,
/// [`QuadraticPenaltyConfig::mas`](crate::QuadraticPenaltyConfig::mas). It needs no labels, and the examples need not be
/// those of the training. It is ≥ 0, in squared units of an output divided by the unit of a parameter. The magnitude is
/// taken for each example separately: gradients of different signs do not cancel.
///
/// `outputs` computes z for one example, `[outputs]`: the outputs before a softmax, and only those of the task, which are
/// selected by `slice` or `select` and not by a mask of large negative numbers. It is called once for each example,
/// followed by a backward pass. A parameter that is frozen or that no output depends on has no importance. The module
/// is treated as in [`fisher`](super::fisher()).
///
/// ```
/// use burn::{module::Module, nn::LinearConfig, tensor::{Device, Tensor}};
/// use si_core::importance;
///
/// # fn main() -> Result<(), si_core::Error> {
/// let device = Device::flex().autodiff();
/// let model = LinearConfig::new(2, 3).init(&device);
/// let importance = importance::sensitivity(&model, [[0.5, 1.0], [-1.0, 0.0]], |model, example| {
///     model.forward(Tensor::<1>::from_floats(*example, &device))
/// })?;
/// let importance = importance.get::<2>(model.weight.id).expect("it is trained");
/// assert_eq!(importance.dims(), [2, 3]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Importance`], which names the example, if an output is not finite or if the outputs depend on no parameter
/// that is trained.
pub fn sensitivity<M: Module, E>(
    module: &M,
    examples: impl IntoIterator<Item = E>,
    outputs: impl Fn(&M, &E) -> Tensor<1>,
) -> Result<Importance, Error> {
    let norm = |module: &M, example: &E| outputs(module, example).square().sum();
    from_gradients(module, examples, norm, Power::Magnitude)
}
