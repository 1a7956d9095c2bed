use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams};
use burn_train::{InferenceStep, TrainOutput, TrainStep};

use super::devices::{gather, scatter};
use super::{PenaltyMetric, PenaltyShareMetric};
use crate::ContinualLearner;
use crate::optim::forget_reshaped;

/// A learner works in burn-train's `Learner` if its module has a training step. Launch once for each
/// task.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use burn::{data::dataloader::DataLoader, module::Module, optim::AdamConfig};
/// # use burn_train::{InferenceStep, Learner, LearnerModel, SupervisedTraining, TrainStep, metric::{Adaptor, LossInput}};
/// # use si_core::{ContinualLearner, SynapticIntelligenceConfig};
/// # type Loader<T> = Arc<dyn DataLoader<T>>;
/// # fn example<M: LearnerModel, Batch>(model: M, tasks: Vec<(Loader<Batch>, Loader<Batch>)>) -> Result<(), si_core::Error>
/// # where
/// #     M: TrainStep<Input = Batch> + InferenceStep<Input = Batch>,
/// #     <M as TrainStep>::Output: Adaptor<LossInput>,
/// #     <M as InferenceStep>::Output: Adaptor<LossInput>,
/// # {
/// let mut model = ContinualLearner::new(model, &SynapticIntelligenceConfig::new())?;
/// for (index, (train, valid)) in tasks.into_iter().enumerate() {
///     let training = SupervisedTraining::new(format!("/tmp/task-{index}"), train, valid)
///         .metrics((model.penalty_metric(), model.penalty_share_metric()))
///         .num_epochs(10);
///     let result = training.launch(Learner::new(model, AdamConfig::new().init(), 1e-3));
///     model = result.model.train();
///     model.end_task();
/// }
/// # Ok(())
/// # }
/// ```
///
/// Input and output are those of the module's step, so metrics work as before. If the module has its own `optimize`,
/// the penalty's gradient is added before it, and the path integral sees the step that it takes. The penalty counts
/// once for each step, however many minibatches and devices its gradients come from. In distributed training, each
/// worker has separate state. The states are equal if Burn averages the gradients. It does so only on CUDA, and this
/// was not run.
///
/// The state is part of a launch's checkpoints. Training resumed from one gives exactly the same numbers (bit for bit,
/// on a CPU) if its data loader gives the same minibatches. A launch returns its model in validation mode.
/// [`end_task`](ContinualLearner::end_task) works in either mode, but the next launch needs [`train`](Module::train).
///
/// burn-train holds a `ModuleOptimizer`, which updates a module without a view of its synapses. So the penalty and the
/// path integral each have a separate pass here. `SynapticAdam`, `SynapticAdamW` and `SynapticSgd` work in a
/// `ModuleOptimizer` too, and give the same numbers: `ModuleOptimizer::from(SynapticAdamConfig::new().build())`.
impl<M: Module + TrainStep> TrainStep for ContinualLearner<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn step(&self, item: Self::Input) -> TrainOutput<Self::Output> {
        self.regularizer.penalty_feeds.count_minibatch();
        TrainStep::step(&self.module, item)
    }

    fn optimize(
        mut self,
        optimizer: &mut ModuleOptimizer,
        learning_rate: ModuleLearningRate,
        grads: GradientsParams,
    ) -> Self {
        let grads = self.regularizer.penalize_and_report(&self.module, grads);
        forget_reshaped(optimizer, &mut self.regularizer);
        self.module = TrainStep::optimize(self.module, optimizer, learning_rate, grads);
        self.regularizer.observe(&self.module);
        self
    }

    fn optimize_multi(
        mut self,
        optimizer: &mut ModuleOptimizer,
        learning_rate: ModuleLearningRate,
        grads: MultiGradientsParams,
    ) -> Self {
        let devices = grads.grads.iter().map(|(_, device)| device.clone());
        let devices = devices.collect();
        let grads = gather(&self.module, grads);
        let grads = self.regularizer.penalize_and_report(&self.module, grads);
        let grads = scatter(&self.module, grads, devices);
        forget_reshaped(optimizer, &mut self.regularizer);
        self.module = TrainStep::optimize_multi(self.module, optimizer, learning_rate, grads);
        self.regularizer.observe(&self.module);
        self
    }
}

/// A learner works in validation and in burn-train's `Evaluator` if its module has an inference step.
impl<M: InferenceStep> InferenceStep for ContinualLearner<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn step(&self, item: Self::Input) -> Self::Output {
        InferenceStep::step(&self.module, item)
    }
}

impl<M> ContinualLearner<M> {
    /// A metric of the penalty for the next launch. It costs nothing if it is not used.
    pub fn penalty_metric(&mut self) -> PenaltyMetric {
        PenaltyMetric::new(self.regularizer.penalty_feeds.add())
    }

    /// A metric of the penalty's share in the surrogate loss, for the next launch.
    pub fn penalty_share_metric(&mut self) -> PenaltyShareMetric {
        PenaltyShareMetric::new(self.regularizer.penalty_feeds.add())
    }
}
