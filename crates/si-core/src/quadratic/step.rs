//! A training step and the end of a task, parameter by parameter.

use burn::Tensor;
use burn::module::Param;
use burn::optim::GradientsParams;

use super::pull::{Pulls, QuadraticPull};
use crate::Importance;
use crate::normalization::Size;
use crate::ops::{Penalty, SynapticBackend};
use crate::precision::widened;
use crate::settings::PenaltyFactor;
use crate::step::PenaltySum;
use crate::traversal::{ParameterVisitor, Place};

/// Adds the penalty's gradient to each existing gradient.
pub(super) struct Penalize<'a, B: SynapticBackend> {
    pub(super) factor: PenaltyFactor,
    pub(super) pulls: &'a Pulls<B>,
    pub(super) grads: &'a mut GradientsParams,
}

impl<B: SynapticBackend> ParameterVisitor for Penalize<'_, B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let scale = self.factor.scale(place.settings.strength);
        let is_held = scale > 0.0 && !place.settings.excluded;
        let pull = self.pulls.get(&param.id).filter(|_| is_held);
        let Some(pull) = pull.filter(|it| it.fits(&param.lazy_shape())) else {
            return;
        };
        let Some(gradient) = self.grads.remove::<D>(param.id) else {
            return;
        };
        // If training is spread over devices, the optimizer moves a parameter to the device of its gradient.
        let parameter = param.val().inner().to_device(&gradient.device());
        let Some(pull) = pull.grown(&parameter) else {
            return;
        };
        let penalty = Penalty {
            parameter: B::primitive(parameter),
            importance: pull.precision,
            anchor: pull.anchor,
            scale,
            bound: f64::INFINITY,
        };
        let total = B::penalize(B::primitive(gradient.inner()), penalty).gradient;
        self.grads.register::<D>(param.id, B::tensor(total));
    }
}

/// The penalty as a differentiable sum over the parameters.
pub(super) struct SumPenalty<'a, B: SynapticBackend> {
    pub(super) factor: PenaltyFactor,
    pub(super) pulls: &'a Pulls<B>,
    pub(super) penalty: PenaltySum,
}

impl<B: SynapticBackend> ParameterVisitor for SumPenalty<'_, B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        self.penalty.meet(param);
        let pull = self.pulls.get(&param.id);
        let pull = pull.filter(|_| !place.settings.excluded);
        let Some(pull) = pull.filter(|it| it.fits(&param.lazy_shape())) else {
            return;
        };
        let parameter = param.val();
        if let Some(pull) = pull.grown(&parameter.clone().inner()) {
            let displacement = widened(parameter) - B::tensor::<D>(pull.anchor);
            let squared = displacement.square() * B::tensor::<D>(pull.precision);
            let sum = squared.sum() + B::tensor::<1>(pull.spread);
            let scale = self.factor.scale(place.settings.strength);
            self.penalty.add(sum.mul_scalar(scale));
        }
    }
}

/// At a task's end, if the penalty is around the latest parameters: applies the decay and moves the anchors.
pub(super) struct MoveOn<'a, B: SynapticBackend> {
    pub(super) pulls: &'a mut Pulls<B>,
    pub(super) decay: f64,
}

impl<B: SynapticBackend> ParameterVisitor for MoveOn<'_, B> {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        let Some(pull) = self.pulls.remove(&param.id) else {
            return;
        };
        let parameter = param.val().inner();
        if let Some(mut pull) = pull.grown(&parameter) {
            pull.move_on(self.decay, widened(parameter));
            self.pulls.insert(param.id, pull);
        }
    }
}

/// The smallest and the largest element. NaN if there is one.
fn extremes<const D: usize>(values: &Tensor<D>) -> [f64; 2] {
    [values.clone().min(), values.clone().max()].map(|it| it.into_scalar::<f64>())
}

/// Whether importance with these extremes can be used: NaN, infinite and negative importance cannot.
fn is_sound([smallest, largest]: [f64; 2]) -> bool {
    smallest >= 0.0 && largest.is_finite()
}

/// At a task's end: how large its importance is. Leaves out parameters with importance that cannot be used.
pub(super) struct Measure<'a> {
    pub(super) importance: &'a Importance,
    pub(super) size: Size,
}

impl ParameterVisitor for Measure<'_> {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        let Some(importance) = self.importance.get::<D>(param.id).map(widened) else {
            return;
        };
        let extremes = extremes(&importance);
        if is_sound(extremes) {
            let [_, largest] = extremes;
            self.size.add(importance, largest);
        }
    }
}

/// At a task's end: adds its importance to the pulls.
pub(super) struct Join<'a, B: SynapticBackend> {
    pub(super) pulls: &'a mut Pulls<B>,
    pub(super) importance: &'a Importance,
    /// What the importance is multiplied by.
    pub(super) factor: f64,
    /// Whether some of the importance was not zero.
    pub(super) is_important: bool,
    /// The path of the first parameter whose importance is negative, infinite or NaN. Such importance is left out.
    pub(super) unsound: Option<String>,
}

impl<B: SynapticBackend> ParameterVisitor for Join<'_, B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let Some(importance) = self.importance.get::<D>(param.id) else {
            return;
        };
        let parameter = widened(param.val().inner());
        let importance = widened(importance).to_device(&parameter.device());
        assert_eq!(
            importance.shape(),
            parameter.shape(),
            "the importance of {} is of another shape",
            place.path
        );
        let extremes = extremes(&importance);
        if !is_sound(extremes) {
            self.unsound.get_or_insert_with(|| place.path.to_string());
            return;
        }
        self.is_important |= extremes[1] != 0.0;
        let importance = importance.mul_scalar(self.factor);
        let before = self.pulls.remove(&param.id);
        let pull = before.and_then(|pull| pull.grown(&parameter));
        let mut pull = pull
            .unwrap_or_else(|| QuadraticPull::without_effect(place.path.to_string(), &parameter));
        // Its place may have changed because modules were added or frozen.
        pull.update_place(place);
        pull.join(importance, parameter);
        self.pulls.insert(param.id, pull);
    }
}

/// After the module was replaced: assigns pulls to the parameters of the same path that they fit.
pub(super) struct Rebind<B: SynapticBackend> {
    /// The state of parameters that the module still has.
    pub(super) own: Pulls<B>,
    /// The state of parameters that it no longer has.
    pub(super) orphans: Vec<QuadraticPull<B>>,
    pub(super) after: Pulls<B>,
}

impl<B: SynapticBackend> ParameterVisitor for Rebind<B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let shape = param.lazy_shape();
        let own = self.own.remove(&param.id).filter(|own| own.fits(&shape));
        let fits = |pull: &QuadraticPull<B>| pull.path == place.path && pull.fits(&shape);
        let orphan = || {
            let index = self.orphans.iter().position(fits)?;
            Some(self.orphans.swap_remove(index))
        };
        if let Some(pull) = own.or_else(orphan)
            && let Some(mut pull) = pull.grown(&param.val().inner())
        {
            pull.update_place(place);
            self.after.insert(param.id, pull);
        }
    }
}
