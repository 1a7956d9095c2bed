//! Gradients under loss scaling.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::optim::GradientsParams;

use crate::policy::Policies;
use crate::precision::sum;
use crate::traversal::{ParameterVisitor, Place, visit_parameters};

/// Divides the gradients of `module` by `loss_scale`, the factor that the loss was multiplied by. Returns `None` if one
/// of them is infinite or NaN: the factor is then too large, and the step must be skipped. Waits for the device.
///
/// Pass the result to [`ContinualLearner::optimize`](crate::ContinualLearner::optimize). If it is `None`, call nothing.
/// The method needs the gradients of the loss itself, so never pass it scaled ones.
pub fn unscaled<M: Module>(
    module: &M,
    grads: GradientsParams,
    loss_scale: f64,
) -> Option<GradientsParams> {
    let mut unscale = Unscale {
        given: grads,
        factor: 1.0 / loss_scale,
        unscaled: GradientsParams::new(),
        num_bad: None,
    };
    visit_parameters(module, &Policies::default(), &mut unscale);
    let num_bad = unscale.num_bad.map(|number| number.into_scalar::<f64>());
    (num_bad.unwrap_or(0.0) == 0.0).then_some(unscale.unscaled)
}

struct Unscale {
    given: GradientsParams,
    factor: f64,
    unscaled: GradientsParams,
    /// The number of elements that are infinite or NaN, `[1]`.
    num_bad: Option<Tensor<1>>,
}

impl ParameterVisitor for Unscale {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.given.remove::<D>(param.id) else {
            return;
        };
        let gradient = gradient.inner().mul_scalar(self.factor);
        let is_bad = gradient.clone().is_finite().bool_not();
        let num_bad = is_bad.float().sum();
        self.num_bad = Some(match self.num_bad.take() {
            Some(before) => sum(before, num_bad),
            None => num_bad,
        });
        self.unscaled.register::<D>(param.id, gradient);
    }
}
