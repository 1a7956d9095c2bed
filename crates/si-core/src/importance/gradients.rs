use burn::Tensor;
use burn::module::{Module, Param};
use burn::optim::GradientsParams;

use super::Importance;
use crate::Error;
use crate::policy::Policies;
use crate::precision::widened;
use crate::traversal::{ParameterVisitor, Place, visit_parameters};

/// What is taken of the gradient of an example, element by element.
#[derive(Clone, Copy)]
pub(super) enum Power {
    /// `g²`.
    Square,
    /// `|g|`.
    Magnitude,
}

impl Importance {
    /// Adds a power of the gradient of `value`, `[1]`, for an example, multiplied by `weight`.
    pub(super) fn add_gradient<M: Module>(
        &mut self,
        example: usize,
        module: &M,
        value: Tensor<1>,
        power: Power,
        weight: f64,
    ) -> Result<(), Error> {
        if !value.is_tracked() {
            return Err(Error::example(
                example,
                "has a result that depends on no parameter that is trained: compute it with the module that the \
                 function receives, and do not freeze all layers",
            ));
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
