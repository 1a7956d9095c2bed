use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams};
use burn_train::{InferenceStep, TrainOutput, TrainStep};

use super::devices::{gather, scatter};
use super::{PenaltyMetric, PenaltyShareMetric};
use crate::ContinualLearner;
use crate::optim::forget_reshaped;

/// The learner in burn-train's `Learner`, where its module has a training step: one launch for each
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
/// Input and output are those of the module's step, so metrics go on as before, and where the module
/// has an `optimize` of its own, the penalty's gradient is added before it and the path integral sees
/// the step that it made. The penalty counts once for each step, however many minibatches and devices
/// its gradients come from; in a distributed training each replica has state of its own, the same as
/// far as Burn has averaged the gradients, which it does on CUDA alone and which was not run.
/// State is part of the checkpoints of a launch, and a training that goes on from one gives the same
/// bits, as far as its data loader gives the same minibatches. A launch gives its model back in
/// validation mode; [`end_task`](ContinualLearner::end_task) may be called in either, and the next
/// launch needs [`train`](Module::train).
///
/// burn-train takes Burn's own optimizers. One that has penalty and path integral in its own pass works
/// [without](crate::SynapticOptimizer::into_inner) that pass, to the same numbers.
impl<M: Module + TrainStep> TrainStep for ContinualLearner<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn step(&self, item: Self::Input) -> TrainOutput<Self::Output> {
        self.regularizer.gauges.count_minibatch();
        TrainStep::step(&self.module, item)
    }

    fn optimize(
        mut self,
        optimizer: &mut ModuleOptimizer,
        learning_rate: ModuleLearningRate,
        grads: GradientsParams,
    ) -> Self {
        let grads = self.regularizer.penalize_in_sight(&self.module, grads);
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
        let grads = self.regularizer.penalize_in_sight(&self.module, grads);
        let grads = scatter(&self.module, grads, devices);
        forget_reshaped(optimizer, &mut self.regularizer);
        self.module = TrainStep::optimize_multi(self.module, optimizer, learning_rate, grads);
        self.regularizer.observe(&self.module);
        self
    }
}

/// The learner in validation, and in burn-train's `Evaluator`, where its module has an inference step.
impl<M: InferenceStep> InferenceStep for ContinualLearner<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn step(&self, item: Self::Input) -> Self::Output {
        InferenceStep::step(&self.module, item)
    }
}

impl<M> ContinualLearner<M> {
    /// A metric of the penalty in the coming launch, which costs nothing where it is not asked for.
    pub fn penalty_metric(&mut self) -> PenaltyMetric {
        PenaltyMetric::new(self.regularizer.gauges.add())
    }

    /// A metric of the penalty's share in the surrogate loss in the coming launch.
    pub fn penalty_share_metric(&mut self) -> PenaltyShareMetric {
        PenaltyShareMetric::new(self.regularizer.gauges.add())
    }
}
