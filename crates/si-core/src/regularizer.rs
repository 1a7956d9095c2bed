use burn::Tensor;
use burn::backend::Dispatch;
use burn::module::{Module, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Device;
use log::warn;

use crate::coverage::repeated;
use crate::diagnostics::Meter;
use crate::normalization::Size;
use crate::ops::SynapticBackend;
use crate::policy::Policies;
use crate::settings::{FirstTaskStart, Normalization, SynapticIntelligenceConfig};
use crate::step::{
    CloseSteps, Consolidate, GradientOf, MeasureContributions, OpenSteps, PenaltySum, Rebind,
    SumPenalty,
};
use crate::synapse::Synapse;
use crate::synapses::Synapses;
use crate::traversal::{parameter_ids, visit_parameters};
use crate::{Error, TaskWarning};

/// Synaptic Intelligence (Zenke, Poole, Ganguli 2017): holds each synapse back according to how much it
/// contributed to what was learnt before.
///
/// While a task is learnt, each synapse integrates `ω = −Σ g·Δθ` (eq. 3), its share in the decrease of the loss.
/// At the task's end, ω is added to the importance: `Ω += ω / (Δ² + ξ)` (eq. 5). From then on, the surrogate loss
/// `L + c Σ Ω (θ − θ̃)²` (eq. 4) pulls the synapse towards its former value θ̃.
///
/// A step has two sides. Before the optimizer's update, [`penalize`](Self::penalize) adds the penalty's gradient
/// in closed form, so the only backward pass is that of the task loss. After the update,
/// [`observe`](Self::observe) reads the step that really happened, whatever the optimizer.
/// [`ContinualLearner`](crate::ContinualLearner) makes both calls for you:
///
/// ```diff
///  let grads = GradientsParams::from_grads(loss.backward(), &model);
/// +let grads = si.penalize(&model, grads);
///  model = optimizer.step(learning_rate, model, grads);
/// +si.observe(&model);
///  // … and at the end of each task:
/// +si.consolidate(&model);
/// ```
///
/// The state is three tensors the size of the parameters (ω, Ω, θ̃). Within a step, the gradient and the previous
/// θ are kept too. [`StatePrecision`](crate::settings::StatePrecision) can make Ω and θ̃ smaller. The state
/// belongs to parameters by id, and a new parameter starts without state. A module that was loaded from a file has
/// other ids: call [`rebind`](Self::rebind). Only [`end_epoch`](Self::end_epoch),
/// [`consolidate`](Self::consolidate) and [`diagnostics`](Self::diagnostics) wait for the device.
///
/// `B` is the backend of the state; the default follows the module to any device.
#[derive(Clone, Debug)]
pub struct SynapticIntelligence<B: SynapticBackend = Dispatch> {
    pub(crate) config: SynapticIntelligenceConfig,
    pub(crate) policies: Policies,
    pub(crate) synapses: Synapses<B>,
    pub(crate) task: usize,
    pub(crate) meter: Meter,
    /// The number of parameters with a repeated id of which a warning was logged.
    pub(crate) num_repeated: usize,
    #[cfg(feature = "train")]
    pub(crate) penalty_feeds: crate::train::PenaltyFeeds,
}

impl<B: SynapticBackend> SynapticIntelligence<B> {
    /// Checks the settings and creates a regularizer that has not seen a module yet.
    ///
    /// # Errors
    ///
    /// Those of [`SynapticIntelligenceConfig::init`].
    pub fn new(config: SynapticIntelligenceConfig) -> Result<Self, Error> {
        config.validate()?;
        let mut regularizer = Self {
            policies: config.policies(),
            config,
            synapses: Synapses::default(),
            task: 0,
            meter: Meter::default(),
            num_repeated: 0,
            #[cfg(feature = "train")]
            penalty_feeds: crate::train::PenaltyFeeds::default(),
        };
        regularizer.enter_task(0);
        Ok(regularizer)
    }

    /// Makes `task` the current task, with its strength.
    pub(crate) fn enter_task(&mut self, task: usize) {
        self.task = task;
        let factor = self.config.strength_factor(task);
        self.policies.set_strength_factor(factor);
    }

    /// Sets the strength c from the next step on, for all parameters without a strength from a policy. A
    /// [schedule](SynapticIntelligenceConfig::strength_schedule) and
    /// [factors of replicas](SynapticIntelligenceConfig::replica_strengths) still multiply it.
    ///
    /// A record does not hold it. A checkpoint stores it with the other settings, but only to compare:
    /// [`restore`](crate::Checkpoint::restore) keeps the strength of the learner that you load into, and warns if the two
    /// differ. Call this again after loading.
    ///
    /// # Errors
    ///
    /// [`Error::Strength`] if it is negative or not finite. The strength then stays as it was.
    pub fn set_strength(&mut self, strength: f64) -> Result<(), Error> {
        let config = self.config.clone().with_strength(strength);
        config.validate()?;
        self.policies = config.policies();
        self.config = config;
        self.enter_task(self.task);
        Ok(())
    }

    /// Warns of parameters that have the id of another, if there are more of them than at the last check.
    pub(crate) fn check_ids<M: Module>(&mut self, module: &M) {
        let repeated = repeated(module);
        if repeated.len() > self.num_repeated {
            warn!(
                "{}. Burn keeps a parameter's id when its layer is cloned, and an optimizer updates only the first \
                 place: create each layer by a separate `init`, or load a record into it",
                repeated.join("; ")
            );
        }
        self.num_repeated = repeated.len();
    }

    /// The settings.
    pub fn config(&self) -> &SynapticIntelligenceConfig {
        &self.config
    }

    /// The number of tasks consolidated so far, which is the index of the task being learnt.
    pub fn task(&self) -> usize {
        self.task
    }

    /// The state of a parameter, by its id. `None` before its first step, and for parameters that are not
    /// consolidated.
    pub fn synapse(&self, id: ParamId) -> Option<&Synapse<B>> {
        self.synapses.get(id)
    }

    /// The state of every consolidated parameter, in the module's order.
    pub fn synapses(&self) -> Vec<&Synapse<B>> {
        self.synapses.in_order()
    }

    /// Opens a step: adds the penalty's gradient `2 c Ω (θ − θ̃)` to the gradients of the task loss.
    ///
    /// Call it once per optimizer step, before any clipping. If you accumulate several minibatches, call it on the
    /// summed gradients. A parameter without a gradient is left alone: it contributes nothing and is not pulled. A
    /// new parameter starts without importance, anchored at its current value. If the step is then not taken, for
    /// example because its gradients are not finite, call [`skip_step`](Self::skip_step) instead of
    /// [`observe`](Self::observe).
    pub fn penalize<M: Module>(
        &mut self,
        module: &M,
        mut grads: GradientsParams,
    ) -> GradientsParams {
        self.open_step(module, &mut grads, GradientOf::TaskLoss);
        grads
    }

    /// Opens a step whose gradients already include the penalty's, because the loss includes
    /// [`penalty`](Self::penalty).
    ///
    /// Subtracts the penalty's gradient in closed form to recover the task's own gradient. So training is the same
    /// as with [`penalize`](Self::penalize), up to rounding. There is one difference: a consolidated parameter
    /// that the task does not use has the penalty's gradient here, but no gradient with `penalize`. So an
    /// optimizer with momentum may move it.
    pub fn observe_gradients<M: Module>(&mut self, module: &M, grads: &mut GradientsParams) {
        self.open_step(module, grads, GradientOf::SurrogateLoss);
    }

    /// Closes the step: advances each path integral by `−g·Δθ`. Δθ is the change that the optimizer really made
    /// with the gradients from [`penalize`](Self::penalize).
    pub fn observe<M: Module>(&mut self, module: &M) {
        let synapses = &mut self.synapses;
        visit_parameters(module, &self.policies, &mut CloseSteps { synapses });
        if core::mem::take(&mut self.meter.is_in_step) {
            self.meter.count_step();
        }
    }

    /// Drops the step that was opened last, as if [`penalize`](Self::penalize) had not been called. Call it if the
    /// optimizer does not take the step.
    pub fn skip_step(&mut self) {
        for synapse in self.synapses.in_order_mut() {
            synapse.open_step = None;
        }
        self.meter.is_in_step = false;
    }

    /// The penalty `c Σ Ω (θ − θ̃)²` (eq. 4) as a differentiable term of shape `[1]`: for a loop that adds it to
    /// its loss. Zero during the first task.
    ///
    /// It is in f32, or in f64 if a trained parameter is. Cast a 16-bit loss before you add the two.
    ///
    /// Such a loop calls [`observe_gradients`](Self::observe_gradients) instead of [`penalize`](Self::penalize).
    /// It costs one more forward and backward pass over the parameters.
    ///
    /// # Panics
    ///
    /// If `module` has no parameters.
    pub fn penalty<M: Module>(&self, module: &M) -> Tensor<1> {
        let mut sum = SumPenalty {
            config: &self.config,
            synapses: &self.synapses,
            penalty: PenaltySum::default(),
        };
        visit_parameters(module, &self.policies, &mut sum);
        sum.penalty.get(&module.devices())
    }

    /// Ends a task: folds each ω into Ω (eq. 5), anchors every synapse at its current value, and clears ω. The
    /// module may be in training or in validation mode. Drops the state of parameters that the module no longer
    /// has. Returns a reason if consolidation had no effect in the task, or if numbers have become infinite or
    /// NaN. Whatever an infinite or NaN gradient left in ω adds nothing to Ω.
    ///
    /// Does nothing and returns [`TaskWarning::NoStep`] if no step was taken since the last call.
    pub fn consolidate<M: Module>(&mut self, module: &M) -> Option<TaskWarning> {
        if self.meter.steps_in_task == 0 {
            warn!(
                "task {} has had no step to consolidate: a module that you pass to the optimizer yourself \
                 is not held back. Call `optimize` instead, or `penalize` before and `observe` after \
                 the optimizer's step",
                self.task
            );
            return Some(TaskWarning::NoStep);
        }
        self.check_ids(module);
        self.forget_removed(module);
        self.check_effect();
        let divisor = self.divisor(module);
        let mut consolidate = Consolidate {
            config: &self.config,
            synapses: &mut self.synapses,
            divisor,
            unobserved: None,
        };
        visit_parameters(module, &self.policies, &mut consolidate);
        if let Some(path) = consolidate.unobserved {
            warn!(
                "the importance of {path} lacks the last step of task {}: call `observe` after each step \
                 for which you called `penalize`",
                self.task
            );
        }
        let diverged = self.check_state();
        self.enter_task(self.task + 1);
        self.meter.start_task().or(diverged)
    }

    /// What the contributions of the task that ends are divided by.
    fn divisor<M: Module>(&mut self, module: &M) -> f64 {
        let normalization = self.config.normalization;
        if normalization == Normalization::Off {
            return 1.0;
        }
        let mut measure = MeasureContributions {
            config: &self.config,
            synapses: &mut self.synapses,
            size: Size::default(),
        };
        visit_parameters(module, &self.policies, &mut measure);
        measure.size.divisor(normalization)
    }

    /// Drops the state of parameters that `module` no longer has. Call it after replacing a part of the module by
    /// a new one, such as a head for each task. The end of a task does the same.
    ///
    /// Call [`rebind`](Self::rebind) instead if the new part continues from the values of the old one.
    pub fn forget_removed<M: Module>(&mut self, module: &M) {
        self.synapses.retain(&parameter_ids(module));
    }

    /// Gives the state to the parameters with the same path, whatever their ids: for a module that was loaded from
    /// a file, or in which a larger part replaced another. If a parameter has grown along any axis, its new
    /// numbers are free, and the others keep their importance. State without a matching parameter of at least its
    /// shape is dropped, with a warning. A parameter that still has its id keeps its state, wherever it is now.
    pub fn rebind<M: Module>(&mut self, module: &M) {
        let mut own = core::mem::take(&mut self.synapses);
        let mut rebind = Rebind {
            config: &self.config,
            orphans: own.split_off_others(&parameter_ids(module)),
            after: own.without_synapses(),
            own,
        };
        visit_parameters(module, &self.policies, &mut rebind);
        for dropped in [rebind.own, rebind.orphans]
            .iter()
            .flat_map(Synapses::in_order)
        {
            warn!(
                "no parameter takes the state of {}, {}: it is dropped",
                dropped.path(),
                dropped.shape()
            );
        }
        self.synapses = rebind.after;
        self.check_ids(module);
    }

    fn open_step<M: Module>(&mut self, module: &M, grads: &mut GradientsParams, given: GradientOf) {
        self.forget_open_step();
        let starts_from_zero = self.starts_from_zero();
        let mut open_steps = OpenSteps {
            config: &self.config,
            synapses: &mut self.synapses,
            grads,
            given,
            starts_from_zero,
            pulls: false,
        };
        visit_parameters(module, &self.policies, &mut open_steps);
        self.meter.pulls_in_task |= open_steps.pulls;
        self.meter.is_in_step = true;
    }

    /// Forgets a step that was opened but not taken: its parameters may not be in the next step.
    pub(crate) fn forget_open_step(&mut self) {
        if self.meter.is_in_step {
            self.skip_step();
        }
    }

    /// Whether new parameters are anchored at zero.
    pub(crate) fn starts_from_zero(&self) -> bool {
        self.task == 0 && self.config.first_task_start == FirstTaskStart::Zero
    }
}

impl SynapticIntelligence {
    /// Moves the state to `device`. Call it between two steps, and move the module too.
    pub fn to_device(mut self, device: &Device) -> Self {
        let device = device.clone().inner();
        self.synapses = self.synapses.to_device(device.as_dispatch());
        self.meter.loss_sum = self.meter.loss_sum.map(|sum| sum.to_device(&device));
        self
    }
}
