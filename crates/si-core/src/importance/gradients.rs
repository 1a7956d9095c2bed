use burn::Tensor;
use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::TensorData;

use super::{Importance, Quantity};
use crate::Error;
use crate::policy::Policies;
use crate::precision::widened;
use crate::trained::to_measure;
use crate::traversal::{ParameterVisitor, Place, visit_parameters};

/// What is taken of the gradient of an example, element by element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// `g²`.
    Square,
    /// `|g|`.
    Magnitude,
}

/// The mean over `examples` of a power of `∂ value / ∂θ`: for measures of your own.
///
/// `value` computes one number, `[1]`, for one example. It is called once for each example, followed by a backward pass.
/// The power is taken for each example separately. A parameter that is frozen or that no value depends on has no
/// importance. The module is treated as in [`fisher`](super::fisher()).
///
/// An example may be a whole minibatch, with its mean loss as the value. Much public code for Elastic Weight
/// Consolidation measures `mean_B (∂ L_B / ∂θ)²` in this way and calls it Fisher information. It is not: gradients of
/// different examples cancel before they are squared. So it shrinks as minibatches grow, and a strength λ that was
/// found for one of the two is of no use for the other (van de Ven 2025).
///
/// ```
/// use burn::{module::Module, nn::LinearConfig, tensor::{Device, Tensor}};
/// use si_core::importance::{self, Power};
///
/// # fn main() -> Result<(), si_core::Error> {
/// let device = Device::flex().autodiff();
/// let model = LinearConfig::new(2, 1).init(&device);
/// let importance = importance::from_gradients(&model, [[3.0, -1.0]], |model, example| {
///     model.forward(Tensor::<1>::from_floats(*example, &device))
/// }, Power::Magnitude)?;
/// let importance = importance.get::<2>(model.weight.id).expect("it is trained");
/// assert_eq!(importance.into_data().to_vec::<f32>(), Ok(vec![3.0, 1.0]));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Importance`], which names the example, if a value is not finite or depends on no parameter that is trained.
///
/// # Panics
///
/// If a value has more than one element.
pub fn from_gradients<M: Module, E>(
    module: &M,
    examples: impl IntoIterator<Item = E>,
    value: impl Fn(&M, &E) -> Tensor<1>,
    power: Power,
) -> Result<Importance, Error> {
    mean_over(module, examples, |importance, module, example| {
        let value = value(module, example);
        let number = value.clone().inner().into_scalar::<f64>();
        if !number.is_finite() {
            return Err(format!(
                "has a value of {number}: the model has diverged, or its outputs are too large"
            ));
        }
        importance.add_gradient(module, value, power, 1.0)
    })
}

/// The mean over `examples` of a power of `∂ quantity / ∂θ`, for a quantity of the outputs: the general form of
/// [`fisher`](super::fisher()) for classifiers and of [`sensitivity`](super::sensitivity()).
///
/// `outputs` computes z for one example, `[outputs]`: the logits before a softmax, and only those of the task, which are
/// selected by `slice` or `select` and not by a mask of large negative numbers. It is called once for each
/// [gradient](Quantity::gradients) of an example, each time followed by a backward pass. The power is taken for each
/// example and gradient separately, and is ≥ 0. A parameter that is frozen or that no output depends on has no
/// importance. The module is treated as in [`fisher`](super::fisher()).
///
/// | importance | quantity | power |
/// |---|---|---|
/// | Fisher information | [`LogLikelihood`](Quantity::LogLikelihood) | [`Square`](Power::Square) |
/// | absolute Fisher information (Benzing 2022) | [`LogLikelihood`](Quantity::LogLikelihood) | [`Magnitude`](Power::Magnitude) |
/// | reversed Fisher information (Liu and Chang 2026) | [`ReversedLogLikelihood`](Quantity::ReversedLogLikelihood) | [`Square`](Power::Square) |
/// | sensitivity (Aljundi et al. 2018) | [`SquaredOutputs`](Quantity::SquaredOutputs) | [`Magnitude`](Power::Magnitude) |
///
/// ```
/// use burn::{module::Module, nn::LinearConfig, tensor::{Device, Tensor}};
/// use si_core::importance::{self, FisherLabels, Power, Quantity};
///
/// # fn main() -> Result<(), si_core::Error> {
/// let device = Device::flex().autodiff();
/// let model = LinearConfig::new(2, 3).init(&device);
/// let examples = [[0.5, 1.0], [-1.0, 0.0]];
/// let logits = |model: &burn::nn::Linear, example: &[f64; 2]| {
///     model.forward(Tensor::<1>::from_floats(*example, &device))
/// };
/// let quantity = Quantity::LogLikelihood(FisherLabels::Exact);
/// let absolute = importance::from_outputs(&model, examples, logits, quantity, Power::Magnitude)?;
/// let absolute = absolute.get::<2>(model.weight.id).expect("it is trained");
/// assert_eq!(absolute.dims(), [2, 3]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`Error::Importance`], which names the example, in these cases: an output is not finite; the outputs depend on no
/// parameter that is trained; there are no outputs; or [`FisherLabels::Empirical`](super::FisherLabels::Empirical) has
/// no label for the example.
pub fn from_outputs<M: Module, E>(
    module: &M,
    examples: impl IntoIterator<Item = E>,
    outputs: impl Fn(&M, &E) -> Tensor<1>,
    mut quantity: Quantity<'_>,
    power: Power,
) -> Result<Importance, Error> {
    mean_over(module, examples, |importance, module, example| {
        let first = outputs(module, example);
        let values: Vec<f64> = first.clone().inner().into_data().iter().collect();
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(format!(
                "has an output of {value}: the model has diverged, or its outputs are masked instead of selected"
            ));
        }
        let gradients = quantity.gradients(&values);
        if gradients.is_empty() {
            return Err("has no outputs, or no label among them".to_string());
        }
        let mut first = Some(first);
        for (weight, gradient) in gradients {
            // A backward pass consumes its graph, so the next gradient needs a new one.
            let outputs = first.take().unwrap_or_else(|| outputs(module, example));
            let gradient = TensorData::new(gradient, [values.len()]);
            let gradient = Tensor::<1>::from_data(gradient, (&outputs.device(), outputs.dtype()));
            importance.add_gradient(module, (outputs * gradient).sum(), power, weight)?;
        }
        Ok(())
    })
}

/// The mean over `examples` of what `add` adds for each. `add` receives a copy of the module with gradients, and returns
/// what is wrong with an example that cannot be used.
pub(super) fn mean_over<M: Module, E>(
    module: &M,
    examples: impl IntoIterator<Item = E>,
    mut add: impl FnMut(&mut Importance, &M, &E) -> Result<(), String>,
) -> Result<Importance, Error> {
    let module = to_measure(module);
    let mut importance = Importance::default();
    let mut num_examples = 0_usize;
    for example in examples {
        add(&mut importance, &module, &example)
            .map_err(|reason| Error::Importance(format!("example {num_examples} {reason}")))?;
        num_examples += 1;
    }
    Ok(importance.scale(1.0 / num_examples.max(1) as f64))
}

impl Importance {
    /// Adds a power of the gradient of `value`, `[1]`, multiplied by `weight`.
    pub(super) fn add_gradient<M: Module>(
        &mut self,
        module: &M,
        value: Tensor<1>,
        power: Power,
        weight: f64,
    ) -> Result<(), String> {
        if !value.is_tracked() {
            return Err(
                "has a result that depends on no parameter that is trained: compute it with the module that the \
                 function receives, and do not freeze all layers"
                    .to_string(),
            );
        }
        let grads = GradientsParams::from_grads(value.backward(), module);
        let mut add = AddPower {
            importance: self,
            grads,
            power,
            weight,
        };
        visit_parameters(module, &Policies::default(), &mut add);
        Ok(())
    }
}

/// Adds the weighted power of each parameter's gradient.
struct AddPower<'a> {
    importance: &'a mut Importance,
    grads: GradientsParams,
    power: Power,
    weight: f64,
}

impl ParameterVisitor for AddPower<'_> {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.grads.remove::<D>(param.id) {
            // The square of a small 16-bit number would underflow to zero.
            let gradient = widened(gradient.inner());
            let power = match self.power {
                Power::Square => gradient.square(),
                Power::Magnitude => gradient.abs(),
            };
            self.importance.add(param.id, power.mul_scalar(self.weight));
        }
    }
}
