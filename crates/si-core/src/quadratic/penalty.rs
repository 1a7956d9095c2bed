use std::collections::HashSet;

use burn::Tensor;
use burn::backend::Dispatch;
use burn::module::{Module, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Device;
use log::warn;

use super::pull::{Pulls, QuadraticPull};
use super::step::{Join, Measure, MoveOn, Penalize, Rebind, SumPenalty};
use super::{Joining, Normalization, QuadraticPenaltyConfig};
use crate::normalization::Size;
use crate::ops::SynapticBackend;
use crate::policy::Policies;
use crate::step::PenaltySum;
use crate::traversal::{parameter_ids, visit_consolidated, visit_parameters};
use crate::{Error, Importance, TaskWarning};

/// Holds each parameter back in proportion to its importance for past tasks.
///
/// While a task is learnt, leaving the anchor θ̃ costs a penalty: the surrogate loss is `L + λ Σ Ω (θ − θ̃)²`. Where the
/// importance Ω comes from is a separate choice: see [`importance`](crate::importance). [`Joining`] decides how the
/// penalties of several tasks join. The [module](crate::quadratic) has a table of the papers' methods.
///
/// A training step needs one call, before the optimizer. Importance is given at the end of each task. Most of it is
/// measured at that time, in separate passes over the task's data, as below.
/// [`RunningImportance`](crate::importance::RunningImportance) measures it in the steps, by two more calls around the
/// optimizer. [`SynapticIntelligence`](crate::SynapticIntelligence) is a separate method: it measures and pulls.
///
/// ```diff
///  let grads = GradientsParams::from_grads(loss.backward(), &model);
/// +let grads = ewc.penalize(&model, grads);
///  model = optimizer.step(learning_rate, model, grads);
///  // … and at the end of each task:
/// +let fisher = importance::fisher(&model, &task.examples, log_likelihood, FisherLabels::Exact)?;
/// +ewc.consolidate(&model, &fisher);
/// ```
///
/// The state is two tensors of the size of the parameters, for any number of tasks and in every way of joining;
/// [`QuadraticPull`] explains why. It belongs to parameters by id. A new parameter starts without state. A module
/// that was loaded from a file has other ids: call [`rebind`](Self::rebind) after loading.
/// [`record`](QuadraticPenalty::record) saves the state. Only [`consolidate`](Self::consolidate) waits for the device.
///
/// `B` is the backend of the state. The default works with a module on any device.
#[doc(alias = "EWC")]
#[doc(alias = "Elastic Weight Consolidation")]
#[doc(alias = "MAS")]
#[derive(Clone, Debug)]
pub struct QuadraticPenalty<B: SynapticBackend = Dispatch> {
    config: QuadraticPenaltyConfig,
    pub(super) policies: Policies,
    pub(super) pulls: Pulls<B>,
    /// The parameters that the loaded record had entries for. Entries of zeros leave no pull, but later records have them
    /// too.
    pub(super) recorded: HashSet<ParamId>,
    pub(super) task: usize,
}

impl<B: SynapticBackend> QuadraticPenalty<B> {
    /// Checks the values and makes a penalty that has not seen a module yet.
    ///
    /// # Errors
    ///
    /// Those of [`QuadraticPenaltyConfig::init`].
    pub fn new(config: QuadraticPenaltyConfig) -> Result<Self, Error> {
        config.validate()?;
        Ok(Self {
            policies: config.policies(),
            config,
            pulls: Pulls::new(),
            recorded: HashSet::new(),
            task: 0,
        })
    }

    /// The settings.
    pub fn config(&self) -> &QuadraticPenaltyConfig {
        &self.config
    }

    /// Sets the strength λ from the next step on, for all parameters without a strength from a policy.
    ///
    /// A record and a checkpoint do not hold it: `load_record` and `restore_penalty` keep the strength of the penalty that
    /// they load into, so call this again after loading.
    ///
    /// # Errors
    ///
    /// [`Error::Strength`] if it is negative or not finite. The strength then stays as it was.
    pub fn set_strength(&mut self, strength: f64) -> Result<(), Error> {
        let config = QuadraticPenaltyConfig {
            strength,
            ..self.config.clone()
        };
        config.validate()?;
        self.policies = config.policies();
        self.config = config;
        Ok(())
    }

    /// The number of tasks consolidated so far, which is also the index of the task being learnt.
    pub fn task(&self) -> usize {
        self.task
    }

    /// The state of a parameter, by its id. `None` before the end of the first task for which its importance was
    /// given, and for parameters that are not consolidated.
    pub fn pull(&self, id: ParamId) -> Option<&QuadraticPull<B>> {
        self.pulls.get(&id)
    }

    /// The state of every parameter with state, in the module's order.
    pub fn pulls(&self) -> Vec<&QuadraticPull<B>> {
        let mut pulls: Vec<_> = self.pulls.values().collect();
        pulls.sort_by_key(|pull| pull.order);
        pulls
    }

    /// Adds the penalty's gradient, `2 λ Ω (θ − θ̃)` or half of that, to the gradients of the task loss.
    ///
    /// Call it once per optimizer step and before any clipping. If gradients of several minibatches are accumulated,
    /// call it on their sum. A parameter without a gradient is skipped. During the first task, and with a strength
    /// of 0, the gradients are unchanged.
    pub fn penalize<M: Module>(&self, module: &M, mut grads: GradientsParams) -> GradientsParams {
        let mut penalize = Penalize {
            factor: self.config.penalty_factor,
            pulls: &self.pulls,
            grads: &mut grads,
        };
        visit_parameters(module, &self.policies, &mut penalize);
        grads
    }

    /// The penalty as a differentiable term, `[1]`. Use it to report the penalty, or
    /// add it to the loss instead of calling [`penalize`](Self::penalize). Zero during the first task. It is in f32,
    /// or in f64 if a parameter is: cast a 16-bit loss before adding the two.
    ///
    /// # Panics
    ///
    /// If `module` has no parameters.
    pub fn penalty<M: Module>(&self, module: &M) -> Tensor<1> {
        let mut sum = SumPenalty {
            factor: self.config.penalty_factor,
            pulls: &self.pulls,
            penalty: PenaltySum::default(),
        };
        visit_parameters(module, &self.policies, &mut sum);
        sum.penalty.get(&module.devices())
    }

    /// Ends a task: from now on, parameters are held at their current values according to `importance`.
    ///
    /// Call it after the last step of every task, with the importance of the parameters of `module` for the task. The
    /// module may be in training or in validation mode. A parameter without importance counts as one that the task does
    /// not depend on. The state of parameters that the module no longer has is dropped.
    ///
    /// Returns [`TaskWarning::NoImportance`] if the importance is zero for every consolidated parameter: the task is
    /// then not protected. Returns the same and changes nothing if `importance` is of none of the module's
    /// parameters, for example because it is of another module. Returns [`TaskWarning::Diverged`] if some importance is
    /// negative, infinite or NaN, which is then left out. All are logged as warnings.
    ///
    /// # Panics
    ///
    /// If the importance of a parameter does not have the parameter's shape.
    pub fn consolidate<M: Module>(
        &mut self,
        module: &M,
        importance: &Importance,
    ) -> Option<TaskWarning> {
        let ids = parameter_ids(module);
        if !importance.is_empty() && !ids.iter().any(|id| importance.knows(*id)) {
            warn!(
                "task {} is not ended: the importance is of none of the module's parameters. Measure it on this \
                 module, after loading or exchanging parts of it",
                self.task
            );
            return Some(TaskWarning::NoImportance);
        }
        self.pulls.retain(|id, _| ids.contains(id));
        let num_before = self.task as f64;
        let (kept, added) = match self.config.joining {
            Joining::PerTask => (None, 1.0),
            Joining::Latest { decay } => (Some(decay), 1.0),
            Joining::Average => (
                Some(num_before / (num_before + 1.0)),
                1.0 / (num_before + 1.0),
            ),
            Joining::Replace => (Some(0.0), 1.0),
        };
        if let Some(decay) = kept {
            let pulls = &mut self.pulls;
            visit_parameters(module, &self.policies, &mut MoveOn { pulls, decay });
        }
        let factor = added / self.divisor(module, importance);
        let mut join = Join {
            pulls: &mut self.pulls,
            importance,
            factor,
            is_important: false,
            unsound: None,
        };
        visit_consolidated(module, &self.policies, &mut join);
        let (is_important, unsound) = (join.is_important, join.unsound);
        if let Some(path) = unsound {
            warn!(
                "the importance of {path} in task {} is negative, infinite or NaN: it is left out, so the task is not \
                 protected there. If the training has diverged, resume from a checkpoint before the task",
                self.task
            );
            self.task += 1;
            return Some(TaskWarning::Diverged);
        }
        let warning = !is_important && self.policies.hold_back();
        if warning {
            warn!(
                "task {} is not protected: its importance is zero for every consolidated parameter",
                self.task
            );
        }
        self.task += 1;
        warning.then_some(TaskWarning::NoImportance)
    }

    /// What `importance` is divided by before it joins.
    fn divisor<M: Module>(&self, module: &M, importance: &Importance) -> f64 {
        let normalization = self.config.normalization;
        if normalization == Normalization::Off {
            return 1.0;
        }
        let size = Size::default();
        let mut measure = Measure { importance, size };
        visit_consolidated(module, &self.policies, &mut measure);
        measure.size.divisor(normalization)
    }

    /// Assigns the state to the parameters by path, whatever their ids are. Call it after the module was loaded from a
    /// file, or after a part of it was replaced by a larger one. New elements of a parameter that has grown are
    /// free. State without a matching parameter of at least its shape is dropped, with a warning.
    pub fn rebind<M: Module>(&mut self, module: &M) {
        let ids = parameter_ids(module);
        let mut own = core::mem::take(&mut self.pulls);
        let orphans = own.extract_if(|id, _| !ids.contains(id));
        let mut rebind = Rebind {
            orphans: orphans.map(|(_, pull)| pull).collect(),
            own,
            after: Pulls::new(),
        };
        visit_parameters(module, &self.policies, &mut rebind);
        for dropped in rebind.own.values().chain(&rebind.orphans) {
            warn!(
                "no parameter takes the state of {}, {}: it is dropped",
                dropped.path(),
                dropped.shape()
            );
        }
        self.pulls = rebind.after;
    }
}

impl QuadraticPenalty {
    /// Moves the state to `device`. Move the module too.
    pub fn to_device(mut self, device: &Device) -> Self {
        let device = device.clone().inner();
        let moved =
            |(id, pull): (ParamId, QuadraticPull<_>)| (id, pull.to_device(device.as_dispatch()));
        self.pulls = self.pulls.into_iter().map(moved).collect();
        self
    }
}
