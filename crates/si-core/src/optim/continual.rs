use std::path::Path;

use burn::grad_clipping::GradientClippingConfig;
use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer, Optimizer, OptimizerRecord};
use burn::store::RecordError;
use log::warn;

use super::with_synapses::WithSynapses;
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

/// An optimizer for a whole module that computes each parameter's update, penalty and path integral in one pass:
/// [`SynapticAdam`](crate::optim::SynapticAdam) or [`SynapticSgd`](crate::optim::SynapticSgd).
///
/// Use it instead of Burn's [`ModuleOptimizer`]. [`into_inner`](Self::into_inner) returns a `ModuleOptimizer` for
/// loops that require one, and for modules that learn without consolidation. The penalty and the path integral
/// then each have a separate pass.
///
/// ```
/// # use burn::{nn::LinearConfig, optim::GradientsParams, tensor::{Device, Tensor}};
/// # use si_core::{ContinualLearner, SynapticAdamConfig, SynapticIntelligenceConfig};
/// # fn main() -> Result<(), si_core::Error> {
/// # let device = Device::flex().autodiff();
/// # let model = LinearConfig::new(2, 1).init(&device);
/// # let inputs = Tensor::<2>::ones([1, 2], &device);
/// let mut learner = ContinualLearner::new(model, &SynapticIntelligenceConfig::new())?;
/// let mut optimizer = SynapticAdamConfig::new().init();
/// let loss = learner.forward(inputs).mean();
/// let grads = GradientsParams::from_grads(loss.backward(), &learner);
/// learner = learner.optimize(&mut optimizer, 1e-3, grads);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SynapticOptimizer {
    optimizer: ModuleOptimizer,
    /// Whether its pass includes the synapses of each parameter.
    is_fused: bool,
}

impl SynapticOptimizer {
    pub(super) fn new(
        optimizer: impl Optimizer,
        grad_clipping: Option<&GradientClippingConfig>,
    ) -> Self {
        let optimizer = ModuleOptimizer::from(optimizer);
        match grad_clipping {
            // The path integral uses the gradient before clipping, but the optimizer gets only the clipped one.
            Some(config) => optimizer.with_grad_clipping(config.init()).into(),
            None => Self {
                optimizer,
                is_fused: true,
            },
        }
    }

    /// Whether the penalty and the path integral are computed in the optimizer's own pass. They are not with
    /// gradient clipping, nor with any of Burn's own optimizers.
    pub fn is_fused(&self) -> bool {
        self.is_fused
    }

    /// The state, in the format of Burn's own optimizers.
    pub fn to_record(&self) -> OptimizerRecord {
        self.optimizer.to_record()
    }

    /// Loads the state that [`to_record`](Self::to_record) returned.
    pub fn load_record(self, record: OptimizerRecord) -> Self {
        Self {
            optimizer: self.optimizer.load_record(record),
            ..self
        }
    }

    /// Writes the state to a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), RecordError> {
        self.optimizer.save(path)
    }

    /// Loads the state that [`save`](Self::save) wrote.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or does not hold the state of an optimizer.
    pub fn load(self, path: impl AsRef<Path>) -> Result<Self, RecordError> {
        Ok(Self {
            optimizer: self.optimizer.load(path)?,
            ..self
        })
    }

    /// The optimizer as Burn's own type, for loops that require it.
    pub fn into_inner(self) -> ModuleOptimizer {
        self.optimizer
    }
}

/// Any of Burn's optimizers: the penalty and the path integral each have a separate pass.
impl From<ModuleOptimizer> for SynapticOptimizer {
    fn from(optimizer: ModuleOptimizer) -> Self {
        Self {
            optimizer,
            is_fused: false,
        }
    }
}

impl ContinualOptimizer for SynapticOptimizer {
    fn step_continual<M: Module>(
        &mut self,
        learning_rate: ModuleLearningRate,
        module: M,
        grads: GradientsParams,
        regularizer: &mut SynapticIntelligence,
    ) -> M {
        let optimizer = &mut self.optimizer;
        if !self.is_fused {
            return optimizer.step_continual(learning_rate, module, grads, regularizer);
        }
        let with_synapses = WithSynapses::new(module, &grads, regularizer);
        let with_synapses = optimizer.step(learning_rate, with_synapses, grads);
        let module = with_synapses.return_to(regularizer);
        // The optimizer checks the shapes itself.
        regularizer.synapses.take_reshaped();
        module
    }

    fn to_record(&self) -> OptimizerRecord {
        self.to_record()
    }

    fn load_record(self, record: OptimizerRecord) -> Self {
        self.load_record(record)
    }
}
