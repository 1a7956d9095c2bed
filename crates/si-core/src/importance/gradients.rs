use burn::Tensor;
use burn::module::{Module, Param};
use burn::optim::GradientsParams;

use super::Importance;
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
