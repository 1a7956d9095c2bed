use std::path::Path;

use burn::grad_clipping::GradientClippingConfig;
use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer, Optimizer, OptimizerRecord};
use burn::store::RecordError;
use log::warn;

use super::offered::Offered;
use crate::{SynapticIntelligence, pack};

/// An optimizer that a [`ContinualLearner`](crate::ContinualLearner) takes: any of Burn's, or one that
/// does the penalty and the path integral in its own pass over memory.
pub trait ContinualOptimizer: Sized {
    /// Updates the module with the gradients of the task loss, and the regularizer with the step that
    /// was made of them. Where the optimizer panics, the state of both is lost.
    fn step_continual<M: Module>(
        &mut self,
        learning_rate: ModuleLearningRate,
        module: M,
        grads: GradientsParams,
        regularizer: &mut SynapticIntelligence,
    ) -> M;

    /// The state, which a [`Checkpoint`](crate::Checkpoint) keeps.
    fn to_record(&self) -> OptimizerRecord;

    /// Takes over the state that [`to_record`](Self::to_record) has given.
    fn load_record(self, record: OptimizerRecord) -> Self;
}

/// Any of Burn's optimizers: penalty and path integral have passes of their own.
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

/// Has the optimizer start over with the parameters that have another shape than in the step before. Its own state is
/// of that shape, and a backend would panic or compute nonsense.
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
        Err(error) => warn!("the optimizer's state of a parameter of another shape stays: {error}"),
    }
}

/// An optimizer for a whole module that does each parameter's update, penalty and path integral in one
/// pass: [`SynapticAdam`](crate::optim::SynapticAdam) or [`SynapticSgd`](crate::optim::SynapticSgd).
///
/// It takes the place of Burn's [`ModuleOptimizer`]. Loops that must be given one of those, and modules
/// that learn without consolidation, can have it [inside](Self::into_inner); penalty and path integral
/// have passes of their own then.
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
    /// Whether it takes a parameter's synapses into its pass.
    is_fused: bool,
}

impl SynapticOptimizer {
    pub(super) fn new(
        optimizer: impl Optimizer,
        grad_clipping: Option<&GradientClippingConfig>,
    ) -> Self {
        let optimizer = ModuleOptimizer::from(optimizer);
        match grad_clipping {
            // The path integral is of the gradient before clipping, and the optimizer sees none but
            // the clipped one.
            Some(config) => optimizer.with_grad_clipping(config.init()).into(),
            None => Self {
                optimizer,
                is_fused: true,
            },
        }
    }

    /// Whether penalty and path integral are in the optimizer's own pass. They are not with gradient
    /// clipping, and not with any of Burn's own optimizers.
    pub fn is_fused(&self) -> bool {
        self.is_fused
    }

    /// The state, as Burn's own optimizers record it.
    pub fn to_record(&self) -> OptimizerRecord {
        self.optimizer.to_record()
    }

    /// Takes over the state that [`to_record`](Self::to_record) has given.
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
    /// Where the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), RecordError> {
        self.optimizer.save(path)
    }

    /// Takes the state over that [`save`](Self::save) has written.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read or is none of an optimizer.
    pub fn load(self, path: impl AsRef<Path>) -> Result<Self, RecordError> {
        Ok(Self {
            optimizer: self.optimizer.load(path)?,
            ..self
        })
    }

    /// The optimizer for loops that take Burn's own type.
    pub fn into_inner(self) -> ModuleOptimizer {
        self.optimizer
    }
}

/// Any of Burn's optimizers, with passes of their own for penalty and path integral.
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
        let offered = Offered::new(module, &grads, regularizer);
        let offered = optimizer.step(learning_rate, offered, grads);
        let module = offered.return_to(regularizer);
        // The optimizer has looked at the shapes itself.
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
