//! A training step and a task's end, parameter by parameter.

use burn::Tensor;
use burn::module::Param;
use burn::optim::GradientsParams;

use super::Fisher;
use super::spring::{Spring, Springs};
use crate::ops::SynapticBackend;
use crate::precision::widened;
use crate::step::PenaltySum;
use crate::traversal::{ParameterVisitor, Place};

/// Adds the penalty's gradient to each gradient there is.
pub(super) struct Penalize<'a, B: SynapticBackend> {
    pub(super) springs: &'a Springs<B>,
    pub(super) grads: &'a mut GradientsParams,
}

impl<B: SynapticBackend> ParameterVisitor for Penalize<'_, B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let scale = penalty_scale(place);
        let spring = self.springs.get(&param.id).filter(|_| scale > 0.0);
        let Some(spring) = spring.filter(|it| it.fits(&param.lazy_shape())) else {
            return;
        };
        let Some(gradient) = self.grads.remove::<D>(param.id) else {
            return;
        };
        // The optimizer takes a parameter to its gradient, in a training that is spread over devices.
        let parameter = param.val().inner().to_device(&gradient.device());
        let Some(spring) = spring.grown(&parameter) else {
            return;
        };
        let (total, _) = B::penalize(
            B::primitive(gradient.inner()),
            B::primitive(parameter),
            spring.precision,
            spring.anchor,
            scale,
            f64::INFINITY,
        );
        self.grads.register::<D>(param.id, B::tensor(total));
    }
}

/// The factor of a parameter's `Σ F (θ − θ*)²` in the surrogate loss: λ/2.
fn penalty_scale(place: Place<'_>) -> f64 {
    place.settings.strength / 2.0
}

/// The penalty as a differentiable sum over the parameters.
pub(super) struct SumPenalty<'a, B: SynapticBackend> {
    pub(super) springs: &'a Springs<B>,
    pub(super) penalty: PenaltySum,
}

impl<B: SynapticBackend> ParameterVisitor for SumPenalty<'_, B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        self.penalty.meet(param);
        let spring = self.springs.get(&param.id);
        let Some(spring) = spring.filter(|it| it.fits(&param.lazy_shape())) else {
            return;
        };
        let parameter = param.val();
        if let Some(spring) = spring.grown(&parameter.clone().inner()) {
            let displacement = widened(parameter) - B::tensor::<D>(spring.anchor);
            let pull = displacement.square() * B::tensor::<D>(spring.precision);
            let sum = pull.sum() + B::tensor::<1>(spring.spread);
            self.penalty.add(sum.mul_scalar(penalty_scale(place)));
        }
    }
}

/// At a task's end in the online form: weakens what there is.
pub(super) struct MoveOn<'a, B: SynapticBackend> {
    pub(super) springs: &'a mut Springs<B>,
    pub(super) decay: f64,
}

impl<B: SynapticBackend> ParameterVisitor for MoveOn<'_, B> {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        let Some(spring) = self.springs.remove(&param.id) else {
            return;
        };
        let parameter = param.val().inner();
        if let Some(mut spring) = spring.grown(&parameter) {
            spring.move_on(self.decay, widened(parameter));
            self.springs.insert(param.id, spring);
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
        let parameter = widened(param.val().inner());
        let information = widened(information).to_device(&parameter.device());
        assert_eq!(
            information.shape(),
            parameter.shape(),
            "the information about {} is of another shape",
            place.path
        );
        let largest = information.clone().max_abs().into_scalar::<f64>();
        self.informed |= largest != 0.0;
        let before = self.springs.remove(&param.id);
        let spring = before.and_then(|spring| spring.grown(&parameter));
        let mut spring =
            spring.unwrap_or_else(|| Spring::slack(place.path.to_string(), &parameter));
        // Modules that were added or frozen since may have moved it.
        spring.stand_at(place);
        spring.join(information, parameter);
        self.springs.insert(param.id, spring);
    }
}

/// After the module was exchanged: gives springs to the parameters of their path that they fit.
pub(super) struct Rebind<B: SynapticBackend> {
    /// The state of parameters that the module still has.
    pub(super) own: Springs<B>,
    /// That of parameters that it has no more.
    pub(super) orphans: Vec<Spring<B>>,
    pub(super) after: Springs<B>,
}

impl<B: SynapticBackend> ParameterVisitor for Rebind<B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let shape = param.lazy_shape();
        let own = self.own.remove(&param.id).filter(|own| own.fits(&shape));
        let fits = |spring: &Spring<B>| spring.path == place.path && spring.fits(&shape);
        let orphan = || {
            let index = self.orphans.iter().position(fits)?;
            Some(self.orphans.swap_remove(index))
        };
        if let Some(spring) = own.or_else(orphan)
            && let Some(mut spring) = spring.grown(&param.val().inner())
        {
            spring.stand_at(place);
            self.after.insert(param.id, spring);
        }
    }
}
