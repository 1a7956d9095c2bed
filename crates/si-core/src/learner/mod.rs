mod merge;
mod module;
mod record;
#[cfg(test)]
mod tests;

pub(crate) use record::{RecordedSynapse, counters, other_kind, recorded_synapses};

use core::fmt;
use core::ops::{Deref, DerefMut};

use burn::Tensor;
use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, GradientCheckpointingStrategy};

use crate::diagnostics::{Coverage, Diagnostics, EpochReport};
use crate::matmul_precision::warn_if_reduced;
use crate::replicas::strengths;
use crate::settings::StatePrecision;
use crate::trained::checkpointing_of;
use crate::{
    ContinualOptimizer, Error, SynapticIntelligence, SynapticIntelligenceConfig, TaskWarning,
};

/// A module that learns task after task with far less forgetting: your module, with
/// [`SynapticIntelligence`] applied to its training step.
///
/// In a training loop, one line changes and one is added between tasks:
///
/// ```diff
/// -let mut model = model;
/// +let mut model = ContinualLearner::new(model, &SynapticIntelligenceConfig::new())?;
///  for task in tasks {
///      for batch in task {
///          let loss = loss_fn.forward(model.forward(batch.inputs), batch.targets);
///          let grads = GradientsParams::from_grads(loss.backward(), &model);
/// -        model = optimizer.step(learning_rate, model, grads);
/// +        model = model.optimize(&mut optimizer, learning_rate, grads);
///      }
/// +    model.end_task();
///  }
/// ```
///
/// It is not burn-train's `Learner`, which holds a model, its optimizer and its scheduler for one launch: a
/// `ContinualLearner` is the model that you put into one.
///
/// The learner dereferences to the module. It is a [`Module`] itself, with only the parameters of yours: its state is
/// not trained, counted or visited. But the state is part of the record. So [`save_file`](Module::save_file) writes
/// model, synapses and task number to one file, and after [`try_load_file`](Module::try_load_file) the next step gives
/// exactly the same numbers (bit for bit on a CPU; a GPU may round differently each time). Save the optimizer's record
/// separately. The record of a learner without its state is that of the bare module. Either loads into the other with
/// [`allow_partial`](burn::store::ModuleRecord::allow_partial) or
/// [`allow_unused`](burn::store::ModuleRecord::allow_unused).
///
/// Gradient clipping set on the optimizer applies to the total gradient, after the penalty is added. The path integral
/// uses the unclipped gradient of the task.
#[derive(Clone, Debug)]
pub struct ContinualLearner<M> {
    pub(crate) module: M,
    pub(crate) regularizer: SynapticIntelligence,
    /// The strategy that `train` restores after `valid`.
    pub(crate) checkpointing: Option<GradientCheckpointingStrategy>,
}

impl<M: Module> ContinualLearner<M> {
    /// Wraps a module, before its first task.
    ///
    /// A policy that selects no parameter is logged as a warning, here and when a record is loaded. Policies for Burn's
    /// normalisation layers are an exception, because a preset names all of these layers. [`coverage`](Self::coverage)
    /// shows how each parameter is treated. A device on which float32 products may have only 3 decimal digits is logged
    /// as a warning too. [`MatmulPrecision`](crate::MatmulPrecision) measures them.
    ///
    /// # Errors
    ///
    /// Those of [`SynapticIntelligenceConfig::init`]; [`Error::StatePrecision`] if a device of the module does not support
    /// the precision in which importance and anchor are kept; and [`Error::Replicas`] if the config has strengths by
    /// replica and the module is not a stack of as many [`replicas`](crate::replicas).
    pub fn new(module: M, config: &SynapticIntelligenceConfig) -> Result<Self, Error> {
        let has_bf16 = |device: &Device| device.supports_dtype(DType::BF16);
        if config.state_precision == StatePrecision::Bf16
            && let Some(device) = module.devices().iter().find(|device| !has_bf16(device))
        {
            let device = device.clone().inner();
            return Err(Error::StatePrecision(format!("{device:?}")));
        }
        let mut regularizer = config.init()?;
        let num_replicas = config.replica_strengths.len();
        strengths::check(&module, &regularizer.policies, num_replicas)?;
        regularizer.check_ids(&module);
        module.devices().iter().for_each(warn_if_reduced);
        regularizer.policies.warn_of_unmatched(&module);
        Ok(Self {
            checkpointing: checkpointing_of(&module),
            module,
            regularizer,
        })
    }

    /// Updates the module with the gradients of the task loss: adds the penalty's gradient, takes an optimizer step,
    /// and updates the path integrals.
    ///
    /// To accumulate gradients of several minibatches, do so before this call, as with the bare optimizer. To skip a
    /// step, for example because its gradients are not finite, do not call this. Nothing else is needed.
    ///
    /// # Panics
    ///
    /// If the optimizer panics. The learner is then lost.
    pub fn optimize(
        mut self,
        optimizer: &mut impl ContinualOptimizer,
        learning_rate: impl Into<ModuleLearningRate>,
        grads: GradientsParams,
    ) -> Self {
        let learning_rate = learning_rate.into();
        let regularizer = &mut self.regularizer;
        self.module = optimizer.step_continual(learning_rate, self.module, grads, regularizer);
        self
    }

    /// Takes one whole step: `loss` computes the task loss, `[1]`, of the module, and the module is updated with its
    /// gradients. Returns the learner and the loss. The loss also enters the report of
    /// [`end_epoch`](Self::end_epoch).
    ///
    /// ```no_run
    /// # use burn::{module::Module, nn::{Linear, loss::CrossEntropyLoss}, optim::ModuleOptimizer};
    /// # use burn::tensor::{Int, Tensor};
    /// # use si_core::ContinualLearner;
    /// # fn example(
    /// #     mut learner: ContinualLearner<Linear>, optimizer: &mut ModuleOptimizer,
    /// #     images: Tensor<2>, labels: Tensor<1, Int>, cross_entropy: CrossEntropyLoss,
    /// # ) {
    /// let loss;
    /// (learner, loss) = learner.step(optimizer, 1e-3, |model| {
    ///     cross_entropy.forward(model.forward(images), labels)
    /// });
    /// # }
    /// ```
    pub fn step(
        mut self,
        optimizer: &mut impl ContinualOptimizer,
        learning_rate: impl Into<ModuleLearningRate>,
        loss: impl FnOnce(&M) -> Tensor<1>,
    ) -> (Self, Tensor<1>) {
        let loss = loss(&self.module);
        self.regularizer.observe_loss(&loss);
        let grads = GradientsParams::from_grads(loss.backward(), &self.module);
        (self.optimize(optimizer, learning_rate, grads), loss)
    }

    /// Ends the current task: what it taught is consolidated, and the next one begins.
    ///
    /// Call it after the last step of every task, and before the optimizer is reset, in training or in validation
    /// mode. Does nothing if no step was taken since the last call. Returns a warning if consolidation had no
    /// effect in this task, or if the training diverged; it is also logged. Only [`optimize`](Self::optimize) and
    /// [`step`](Self::step) count as steps: passing the learner to an optimizer yourself trains it *without*
    /// consolidation.
    ///
    /// The state of parameters that the module no longer has is dropped.
    pub fn end_task(&mut self) -> Option<TaskWarning> {
        self.regularizer.consolidate(&self.module)
    }

    /// Sets the strength c from the next step on; see [`SynapticIntelligence::set_strength`].
    ///
    /// # Errors
    ///
    /// [`Error::Strength`] if it is negative or not finite. The strength is then unchanged.
    pub fn set_strength(&mut self, strength: f64) -> Result<(), Error> {
        self.regularizer.set_strength(strength)
    }

    /// Reads the means since the last call; see [`SynapticIntelligence::end_epoch`].
    pub fn end_epoch(&mut self) -> EpochReport {
        self.regularizer.end_epoch()
    }

    /// Which parameters are consolidated, and how strongly; see [`SynapticIntelligence::coverage`].
    pub fn coverage(&self) -> Coverage {
        self.regularizer.coverage(&self.module)
    }

    /// Reads the state of the synapses; see [`SynapticIntelligence::diagnostics`].
    pub fn diagnostics(&self) -> Diagnostics {
        self.regularizer.diagnostics()
    }

    /// Drops the state of parameters that the module no longer has. Call it after replacing a part by a new one; see
    /// [`SynapticIntelligence::forget_removed`].
    ///
    /// ```
    /// # use burn::{module::Module, nn::{Linear, LinearConfig}, tensor::Device};
    /// # use si_core::{ContinualLearner, SynapticIntelligenceConfig};
    /// # #[derive(Module, Debug)]
    /// # struct Network { head: Linear }
    /// # fn main() -> Result<(), si_core::Error> {
    /// # let device = Device::flex().autodiff();
    /// # let network = Network { head: LinearConfig::new(4, 2).init(&device) };
    /// # let mut learner = ContinualLearner::new(network, &SynapticIntelligenceConfig::new())?;
    /// learner.end_task();
    /// learner.head = LinearConfig::new(4, 3).init(&device);
    /// learner.forget_removed();
    /// # Ok(())
    /// # }
    /// ```
    pub fn forget_removed(&mut self) {
        self.regularizer.forget_removed(&self.module);
    }

    /// Assigns the state to the module's parameters by path; see [`SynapticIntelligence::rebind`]. Call it after
    /// replacing the module by one from a file, or a part of it by one that continues from its values. For a part that
    /// starts from new values, call [`forget_removed`](Self::forget_removed). After loading the learner itself, neither
    /// is needed.
    pub fn rebind(&mut self) {
        self.regularizer.rebind(&self.module);
    }

    /// The regularizer and its state.
    pub fn regularizer(&self) -> &SynapticIntelligence {
        &self.regularizer
    }

    /// The regularizer, for reporting losses to it or for stepping by hand.
    pub fn regularizer_mut(&mut self) -> &mut SynapticIntelligence {
        &mut self.regularizer
    }

    /// The module and, mutably, the regularizer.
    #[cfg(feature = "safetensors")]
    pub(crate) fn parts_mut(&mut self) -> (&M, &mut SynapticIntelligence) {
        (&self.module, &mut self.regularizer)
    }

    /// The module alone. The state is dropped.
    pub fn into_inner(self) -> M {
        self.module
    }
}

impl<M> Deref for ContinualLearner<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.module
    }
}

impl<M> DerefMut for ContinualLearner<M> {
    /// Gives mutable access to the module, for example to add or replace a head. A parameter with a new id starts
    /// without importance. Call [`forget_removed`](ContinualLearner::forget_removed) after replacing a part by a new
    /// one. Call [`rebind`](ContinualLearner::rebind) after growing a part or loading it from a file, which also
    /// gives it new ids.
    fn deref_mut(&mut self) -> &mut M {
        &mut self.module
    }
}

impl<M: fmt::Display> fmt::Display for ContinualLearner<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.module.fmt(f)
    }
}
