//! The two sides of a training step, and the end of a task, for each parameter.

use burn::Tensor;
use burn::backend::{TensorMetadata, tensor::FloatTensor};
use burn::module::{Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device};
use log::warn;

use crate::growth::zeros_like;
use crate::normalization::Size;
use crate::ops::{PathStep, Penalized, Penalty, SynapticBackend};
use crate::precision::{convert, sum, widen, widened, working};
use crate::settings::{PathGradient, SynapticIntelligenceConfig};
use crate::synapse::{OpenStep, Pull, Synapse, carry, finite_or_zero};
use crate::synapses::Synapses;
use crate::trained::is_trained;
use crate::traversal::{ParameterVisitor, Place};

/// The loss from which a step's gradients come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum GradientOf {
    TaskLoss,
    SurrogateLoss,
}

/// Before the optimizer's update: keeps what the path integral needs, and adds the penalty's
/// gradient.
pub(crate) struct OpenSteps<'a, B: SynapticBackend> {
    pub(crate) config: &'a SynapticIntelligenceConfig,
    pub(crate) synapses: &'a mut Synapses<B>,
    pub(crate) grads: &'a mut GradientsParams,
    pub(crate) given: GradientOf,
    pub(crate) starts_from_zero: bool,
    /// Whether some parameter in the step has a strength above zero.
    pub(crate) pulls: bool,
}

impl<B: SynapticBackend> ParameterVisitor for OpenSteps<'_, B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        // A parameter with a gradient is in the step, even if it was frozen after the backward pass.
        if place.settings.excluded {
            return;
        }
        let Some(gradient) = self.grads.remove::<D>(param.id) else {
            return;
        };
        let given = B::primitive(gradient.inner());
        // In training across devices, the optimizer moves a parameter to the device of its gradient.
        let parameter = carry::<B>(B::primitive(param.val().inner()), &given.device());
        let synapse = begin(
            self.synapses,
            place,
            param.id,
            &parameter,
            self.config,
            self.starts_from_zero,
        );
        let strength = place.settings.strength;
        self.pulls |= strength > 0.0;
        let pull = synapse.pull(self.config, strength);
        let penalize = |pull: Pull<B>, sign: f64| {
            let penalty = Penalty {
                parameter: parameter.clone(),
                importance: pull.importance,
                anchor: synapse.anchor.clone(),
                scale: sign * pull.scale,
                bound: pull.bound,
            };
            B::penalize(given.clone(), penalty)
        };
        let (task, total, penalty) = match (pull, self.given) {
            (None, _) => (given.clone(), given, None),
            (Some(pull), GradientOf::TaskLoss) => {
                let Penalized { gradient, penalty } = penalize(pull, 1.0);
                (given, gradient, Some(penalty))
            }
            (Some(pull), GradientOf::SurrogateLoss) => {
                let Penalized { gradient, penalty } = penalize(pull, -1.0);
                (gradient, given, Some(B::float_neg(penalty)))
            }
        };
        self.grads.register::<D>(param.id, B::tensor(total.clone()));
        synapse.open_step = Some(OpenStep {
            gradient: match self.config.path_gradient {
                PathGradient::Task => task,
                PathGradient::Total => total,
            },
            parameter,
            penalty,
        });
    }
}

/// The synapses of a parameter in a step, with a path integral. New synapses are anchored at the parameter, or at
/// zero if `starts_from_zero`.
pub(crate) fn begin<'a, B: SynapticBackend>(
    synapses: &'a mut Synapses<B>,
    place: Place<'_>,
    id: ParamId,
    parameter: &FloatTensor<B>,
    config: &SynapticIntelligenceConfig,
    starts_from_zero: bool,
) -> &'a mut Synapse<B> {
    let shape = parameter.shape();
    synapses.note_shape(id, place.path, &shape);
    synapses.drop_unfit(id, &shape);
    if synapses.get(id).is_none() && synapses.has_importance_at(place.path) {
        warn!(
            "{} is another parameter than the one that was important there, and starts without importance. Call \
             `rebind` if it continues from the old values, or `forget_removed` if it is new",
            place.path
        );
    }
    let synapse = synapses.get_or_insert_with(id, || {
        let anchor = if starts_from_zero {
            zeros_like::<B>(parameter)
        } else {
            widen::<B>(parameter.clone())
        };
        let anchor = config.state_precision.hold::<B>(anchor);
        Synapse::new(place.path.to_string(), anchor)
    });
    synapse.follow(parameter, config.state_precision);
    // Its place may have changed since, if modules were added or frozen.
    synapse.update_place(place);
    // This may be a step that was opened but not closed.
    synapse.open_step = None;
    synapse
        .path_integral
        .get_or_insert_with(|| zeros_like::<B>(parameter));
    synapse
}

/// After the optimizer's update: advances the path integrals of the open steps.
pub(crate) struct CloseSteps<'a, B: SynapticBackend> {
    pub(crate) synapses: &'a mut Synapses<B>,
}

impl<B: SynapticBackend> ParameterVisitor for CloseSteps<'_, B> {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        let Some(synapse) = self.synapses.get_mut(param.id) else {
            return;
        };
        if let Some(step) = synapse.open_step.take()
            && let Some(path_integral) = synapse.path_integral.take()
        {
            let after = B::primitive(param.val().inner());
            let after = carry::<B>(after, &step.parameter.device());
            let path_step = PathStep {
                gradient: step.gradient,
                before: step.parameter,
                after,
            };
            synapse.path_integral = Some(B::advance_path_integral(path_integral, path_step));
            if let Some(penalty) = step.penalty {
                synapse.add_penalty(penalty);
            }
        }
    }
}

/// At a task's end: how large its contributions are.
pub(crate) struct MeasureContributions<'a, B: SynapticBackend> {
    pub(crate) config: &'a SynapticIntelligenceConfig,
    pub(crate) synapses: &'a mut Synapses<B>,
    pub(crate) size: Size,
}

impl<B: SynapticBackend> ParameterVisitor for MeasureContributions<'_, B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        self.synapses.drop_unfit(param.id, &param.lazy_shape());
        let Some(synapse) = self.synapses.get_mut(param.id) else {
            return;
        };
        let parameter = B::primitive(param.val().inner());
        synapse.follow(&parameter, self.config.state_precision);
        let damping = place.settings.damping;
        if let Some(contribution) = synapse.contribution(parameter, damping, self.config) {
            let finite = B::tensor::<D>(finite_or_zero::<B>(contribution));
            let positive = finite.clamp_min(0.0);
            let largest = positive.clone().max().into_scalar::<f64>();
            self.size.add(positive, largest);
        }
    }
}

/// At a task's end: consolidates the synapses of every parameter that has some.
pub(crate) struct Consolidate<'a, B: SynapticBackend> {
    pub(crate) config: &'a SynapticIntelligenceConfig,
    pub(crate) synapses: &'a mut Synapses<B>,
    /// What each contribution is divided by.
    pub(crate) divisor: f64,
    /// Path of a parameter whose last step was opened but not closed.
    pub(crate) unobserved: Option<String>,
}

impl<B: SynapticBackend> ParameterVisitor for Consolidate<'_, B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        self.synapses.drop_unfit(param.id, &param.lazy_shape());
        if let Some(synapse) = self.synapses.get_mut(param.id) {
            if synapse.open_step.take().is_some() {
                self.unobserved
                    .get_or_insert_with(|| place.path.to_string());
            }
            let parameter = B::primitive(param.val().inner());
            synapse.follow(&parameter, self.config.state_precision);
            synapse.update_place(place);
            let damping = place.settings.damping;
            synapse.consolidate(parameter, damping, self.config, self.divisor);
        }
    }
}

/// After the module was replaced: gives synapses to the parameters with the same path that they fit.
pub(crate) struct Rebind<'a, B: SynapticBackend> {
    pub(crate) config: &'a SynapticIntelligenceConfig,
    /// The state of parameters that the module still has.
    pub(crate) own: Synapses<B>,
    /// The state of parameters that the module no longer has.
    pub(crate) orphans: Synapses<B>,
    pub(crate) after: Synapses<B>,
}

impl<B: SynapticBackend> ParameterVisitor for Rebind<'_, B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let shape = param.lazy_shape();
        let followed = |mut synapse: Synapse<B>| {
            let parameter = B::primitive(param.val().inner());
            synapse.follow(&parameter, self.config.state_precision);
            synapse.update_place(place);
            synapse
        };
        let own = self.own.remove(param.id).filter(|own| own.fits(&shape));
        let own = own.map(followed);
        let synapse = match own {
            Some(own) if own.importance.is_some() => Some(own),
            own => match self.orphans.take_named(place.path, &shape).map(followed) {
                // The new parameter has taken steps since it replaced the old one.
                Some(mut orphan) if orphan.importance.is_some() => {
                    let begun = own.and_then(|own| own.path_integral);
                    orphan.path_integral = orphan.path_integral.or(begun);
                    Some(orphan)
                }
                orphan => own.or(orphan),
            },
        };
        if let Some(synapse) = synapse {
            self.after.insert(param.id, synapse);
        }
    }
}

/// The penalty as a differentiable sum over the parameters.
pub(crate) struct SumPenalty<'a, B: SynapticBackend> {
    pub(crate) config: &'a SynapticIntelligenceConfig,
    pub(crate) synapses: &'a Synapses<B>,
    pub(crate) penalty: PenaltySum,
}

impl<B: SynapticBackend> ParameterVisitor for SumPenalty<'_, B> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        self.penalty.meet(param);
        let synapse = self.synapses.get(param.id);
        let synapse = synapse.filter(|it| it.importance.is_some() && it.fits(&param.lazy_shape()));
        let Some(mut synapse) = synapse.cloned() else {
            return;
        };
        let parameter = param.val();
        let inner = B::primitive(parameter.clone().inner());
        synapse.follow(&inner, self.config.state_precision);
        let parameter = widened(parameter);
        // These are constants outside autodiff, whatever the parameter's autodiff settings.
        let held = |held: FloatTensor<B>| B::tensor::<D>(convert::<B>(held, parameter.dtype()));
        if let Some(pull) = synapse.pull(self.config, place.settings.strength) {
            let importance = held(pull.importance);
            let importance = if pull.bound.is_finite() {
                importance.clamp_max(pull.bound)
            } else {
                importance
            };
            let displacement = parameter.clone() - held(synapse.anchor);
            let squared = displacement.clone() * displacement * importance;
            self.penalty.add(squared.sum().mul_scalar(pull.scale));
        }
    }
}

/// The sum of differentiable terms, on one device and in one precision, on whatever devices the parameters are.
#[derive(Default)]
pub(crate) struct PenaltySum {
    sum: Option<Tensor<1>>,
    /// The precision of a module's penalty, which is zero before the first task's end.
    precision: Option<DType>,
}

impl PenaltySum {
    /// Records the precision of a parameter of the module.
    pub(crate) fn meet<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.precision != Some(DType::F64) && is_trained(param) {
            self.precision = Some(working(param.val().dtype()));
        }
    }

    pub(crate) fn add(&mut self, term: Tensor<1>) {
        self.sum = Some(match self.sum.take() {
            Some(before) => sum(before, term),
            None => term,
        });
    }

    /// The sum, of shape `[1]`, for a module on these devices.
    pub(crate) fn get(self, devices: &[Device]) -> Tensor<1> {
        let precision = self.precision.unwrap_or(DType::F32);
        match self.sum {
            // It can happen that a module has f64 parameters, but only f32 parameters have importance.
            Some(sum) if precision == DType::F64 && sum.dtype() != precision => sum.cast(precision),
            Some(sum) => sum,
            None => {
                let device = devices.first().expect("a module to train has a parameter");
                Tensor::zeros([1], (device, precision))
            }
        }
    }
}
