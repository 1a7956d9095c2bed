use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer, OptimizerRecord};
use log::warn;

use crate::{SynapticIntelligence, pack};

/// An optimizer that a [`ContinualLearner`](crate::ContinualLearner) accepts: any of Burn's, or one that computes
/// the penalty and the path integral in its own pass over memory.
pub trait ContinualOptimizer: Sized {
    /// Updates the module with the gradients of the task loss, and the regularizer with the resulting step. If the
    /// optimizer panics, the state of both is lost.
    fn step_continual<M: Module>(
        &mut self,
        learning_rate: ModuleLearningRate,
        module: M,
        grads: GradientsParams,
        regularizer: &mut SynapticIntelligence,
    ) -> M;

    /// The state, as a [`Checkpoint`](crate::Checkpoint) stores it.
    fn to_record(&self) -> OptimizerRecord;

    /// Loads the state that [`to_record`](Self::to_record) returned.
    fn load_record(self, record: OptimizerRecord) -> Self;
}

/// Any of Burn's optimizers: the penalty and the path integral each have a separate pass.
impl ContinualOptimizer for ModuleOptimizer {
    fn step_continual<M: Module>(
        &mut self,
        learning_rate: ModuleLearningRate,
        module: M,
        grads: GradientsParams,
        regularizer: &mut SynapticIntelligence,
    ) -> M {
        let grads = regularizer.penalize(&module, grads);
        forget_reshaped(self, regularizer);
        let module = self.step(learning_rate, module, grads);
        regularizer.observe(&module);
        module
    }

    fn to_record(&self) -> OptimizerRecord {
        self.to_record()
    }

    fn load_record(self, record: OptimizerRecord) -> Self {
        self.load_record(record)
    }
}

/// Makes the optimizer start over with each parameter whose shape differs from that in the step before. Its state
/// still has the old shape, with which a backend would panic or compute nonsense.
pub(crate) fn forget_reshaped(
    optimizer: &mut ModuleOptimizer,
    regularizer: &mut SynapticIntelligence,
) {
    let reshaped = regularizer.synapses.take_reshaped();
    if reshaped.is_empty() {
        return;
    }
    let kept = |bytes| -> Result<OptimizerRecord, String> {
        let kept = pack::without_parameters(bytes, &reshaped)?;
        OptimizerRecord::from_bytes(kept).map_err(|error| error.to_string())
    };
    let record = optimizer.into_bytes().map_err(|error| error.to_string());
    match record.and_then(kept) {
        Ok(record) => *optimizer = optimizer.clone().load_record(record),
        Err(error) => warn!(
            "cannot drop the optimizer's state of a parameter whose shape has changed: {error}"
        ),
    }
}
