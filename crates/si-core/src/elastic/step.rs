//! A training step and a task's end, parameter by parameter.

use burn::Tensor;
use burn::module::Param;
use burn::optim::GradientsParams;

use super::Fisher;
use super::spring::{Spring, Springs};
use crate::ops::SynapticBackend;
use crate::traversal::{ParameterVisitor, Place};

/// Adds the penalty's gradient to each gradient there is.
pub(super) struct Penalize<'a, B: SynapticBackend> {
    pub(super) springs: &'a Springs<B>,
    /// λ/2.
    pub(super) scale: f64,
    pub(super) grads: &'a mut GradientsParams,
}

impl<B: SynapticBackend> ParameterVisitor for Penalize<'_, B> {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        let Some(spring) = self.springs.get(&param.id) else {
            return;
        };
        let Some(gradient) = self.grads.remove::<D>(param.id) else {
            return;
        };
        let (total, _) = B::penalize(
            B::primitive(gradient.inner()),
            B::primitive(param.val().inner()),
            spring.precision.clone(),
            spring.anchor.clone(),
            self.scale,
            f64::INFINITY,
        );
        self.grads.register::<D>(param.id, B::tensor(total));
    }
}

/// The penalty as a differentiable sum over the parameters.
pub(super) struct SumPenalty<'a, B: SynapticBackend> {
    pub(super) springs: &'a Springs<B>,
    /// λ/2.
    pub(super) scale: f64,
    /// None before the first parameter.
    pub(super) penalty: Option<Tensor<1>>,
}

impl<B: SynapticBackend> ParameterVisitor for SumPenalty<'_, B> {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        let parameter = param.val();
        let zero = || Tensor::zeros([1], (&parameter.device(), parameter.dtype()));
        let penalty = self.penalty.take().unwrap_or_else(zero);
        self.penalty = Some(match self.springs.get(&param.id) {
            Some(spring) => {
                let displacement = parameter - B::tensor::<D>(spring.anchor.clone());
                let pull = displacement.square() * B::tensor::<D>(spring.precision.clone());
                let sum = pull.sum() + B::tensor::<1>(spring.spread.clone());
                penalty + sum.mul_scalar(self.scale)
            }
            None => penalty,
        });
    }
}

/// At a task's end in the online form: weakens what there is.
pub(super) struct MoveOn<'a, B: SynapticBackend> {
    pub(super) springs: &'a mut Springs<B>,
    pub(super) decay: f64,
}

impl<B: SynapticBackend> ParameterVisitor for MoveOn<'_, B> {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        if let Some(spring) = self.springs.get_mut(&param.id) {
            spring.move_on(self.decay, param.val().inner());
        }
    }
}

/// At a task's end: adds its information to the springs.
pub(super) struct Join<'a, B: SynapticBackend> {
    pub(super) springs: &'a mut Springs<B>,
    pub(super) fisher: &'a Fisher,
    /// Whether some of the information was not zero.
    pub(super) informed: bool,
}

impl<B: SynapticBackend> ParameterVisitor for Join<'_, B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let Some(information) = self.fisher.get::<D>(param.id) else {
            return;
        };
        let parameter = param.val().inner();
        assert_eq!(
            information.shape(),
            parameter.shape(),
            "the information about {} is of another shape",
            place.path
        );
        let largest = information.clone().max_abs().into_scalar::<f64>();
        self.informed |= largest != 0.0;
        let spring = self
            .springs
            .entry(param.id)
            .or_insert_with(|| Spring::slack(place.path.to_string(), &parameter));
        // Modules that were added or frozen since may have moved it.
        spring.order = place.order;
        spring.join(information, parameter);
    }
}

/// After a load: gives springs to the parameters of their path and shape.
pub(super) struct Rebind<B: SynapticBackend> {
    pub(super) before: Vec<Spring<B>>,
    pub(super) after: Springs<B>,
}

impl<B: SynapticBackend> ParameterVisitor for Rebind<B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let shape = param.lazy_shape();
        let named = |spring: &Spring<B>| spring.path == place.path && spring.shape() == shape;
        if let Some(index) = self.before.iter().position(named) {
            self.after.insert(param.id, self.before.swap_remove(index));
        }
    }
}
