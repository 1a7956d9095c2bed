use std::collections::HashMap;
use std::path::Path;

use burn::grad_clipping::{GradientClipping, GradientClippingConfig};
use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::{Module, ParamGroup, ParamId};
use burn::optim::{DynState, GradientsParams, Optimizer, OptimizerRecord};
use burn::store::RecordError;

use super::ContinualOptimizer;
use super::rule::Rule;
use super::step::{Consolidation, ModuleStep};
use crate::SynapticIntelligence;
use crate::policy::Policies;
use crate::traversal::Walk;

/// An optimizer for a whole module that updates each parameter together with its synapses, if a
/// [`ContinualLearner`](crate::ContinualLearner) calls it. Without a `ContinualLearner`, it does not consolidate.
///
/// [`SynapticAdam`](crate::optim::SynapticAdam), [`SynapticAdamW`](crate::optim::SynapticAdamW) and
/// [`SynapticSgd`](crate::optim::SynapticSgd) compute the update, the penalty and the path integral in one pass over
/// memory. Any of Burn's optimizers works too; the penalty and the path integral then each have a separate pass. So they
/// do if gradients are clipped: the norm must be known first, and the path integral uses the gradient before clipping.
///
/// As in Burn's [`ModuleOptimizer`](burn::optim::ModuleOptimizer), groups of parameters can have separate optimizers.
/// Records are in Burn's own format: each can load those of the other.
///
/// ```
/// # use burn::{module::ParamGroup, nn::LinearConfig, optim::GradientsParams, tensor::{Device, Tensor}};
/// # use si_core::{ContinualLearner, SynapticAdamConfig, SynapticIntelligenceConfig, SynapticSgdConfig};
/// # fn main() -> Result<(), si_core::Error> {
/// # let device = Device::flex().autodiff();
/// # let model = LinearConfig::new(2, 1).init(&device);
/// # let inputs = Tensor::<2>::ones([1, 2], &device);
/// let mut learner = ContinualLearner::new(model, &SynapticIntelligenceConfig::new())?;
/// let biases = ParamGroup::from_predicate("bias");
/// let mut optimizer = SynapticAdamConfig::new()
///     .init()
///     .with_group(biases, SynapticSgdConfig::new().build(), None);
/// let loss = learner.forward(inputs).mean();
/// let grads = GradientsParams::from_grads(loss.backward(), &learner);
/// learner = learner.optimize(&mut optimizer, 1e-3, grads);
/// # Ok(())
/// # }
/// ```
///
/// A loop that needs a `ModuleOptimizer`, such as burn-train's, makes one of the same optimizer:
/// `ModuleOptimizer::from(SynapticAdamConfig::new().build())`.
#[derive(Clone)]
pub struct SynapticOptimizer {
    /// The first is for all parameters. The last that a parameter belongs to decides.
    pub(super) groups: Vec<Group>,
    pub(super) states: HashMap<ParamId, ParameterState>,
}

/// Parameters that are updated in the same way.
#[derive(Clone)]
pub(super) struct Group {
    parameters: ParamGroup,
    pub(super) rule: Rule,
    pub(super) clipping: Option<GradientClipping>,
}

/// What an optimizer keeps of a parameter from step to step.
#[derive(Clone)]
pub(super) struct ParameterState {
    /// Index of its group.
    pub(super) group: usize,
    /// `None` if it came from a record without paths.
    pub(super) path: Option<String>,
    pub(super) state: DynState,
}

/// The index of the group that a parameter belongs to.
pub(super) fn group_of(groups: &[Group], id: ParamId, path: Option<&str>) -> usize {
    let last = groups
        .iter()
        .rposition(|group| group.parameters.matches(&id, path));
    last.unwrap_or_default()
}

/// One optimizer for all parameters.
impl<O: Optimizer> From<O> for SynapticOptimizer {
    fn from(optimizer: O) -> Self {
        Self::new(optimizer, None)
    }
}

impl SynapticOptimizer {
    pub(super) fn new(
        optimizer: impl Optimizer,
        clipping: Option<&GradientClippingConfig>,
    ) -> Self {
        Self {
            groups: vec![Group {
                parameters: ParamGroup::all(),
                rule: Rule::new(optimizer),
                clipping: clipping.map(GradientClippingConfig::init),
            }],
            states: HashMap::new(),
        }
    }

    /// Clips the gradients of all parameters that are in no group of [`with_group`](Self::with_group). The penalty and
    /// the path integral of these parameters then each have a separate pass.
    pub fn with_grad_clipping(mut self, clipping: GradientClipping) -> Self {
        self.groups[0].clipping = Some(clipping);
        self
    }

    /// Gives some parameters a separate optimizer, with separate clipping. If several groups include a parameter, the
    /// last one counts. State that the optimizer has for these parameters is dropped.
    pub fn with_group(
        mut self,
        parameters: ParamGroup,
        optimizer: impl Optimizer,
        clipping: Option<GradientClipping>,
    ) -> Self {
        (self.states).retain(|id, known| !parameters.matches(id, known.path.as_deref()));
        self.groups.push(Group {
            parameters,
            rule: Rule::new(optimizer),
            clipping,
        });
        self
    }

    /// Whether every parameter is updated together with its synapses in one pass over memory.
    pub fn is_fused(&self) -> bool {
        let mut groups = self.groups.iter();
        groups.all(|group| group.rule.is_fused() && group.clipping.is_none())
    }

    /// Updates a module that learns without consolidation.
    pub fn step<M: Module>(
        &mut self,
        learning_rate: impl Into<ModuleLearningRate>,
        module: M,
        grads: GradientsParams,
    ) -> M {
        let no_policies = Policies::default();
        module.map(&mut ModuleStep {
            groups: &self.groups,
            states: &mut self.states,
            learning_rate: learning_rate.into(),
            grads,
            walk: Walk::new(&no_policies),
            consolidation: None,
        })
    }

    /// Writes the state to a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), RecordError> {
        self.to_record().save(path)
    }

    /// Loads the state that [`save`](Self::save) wrote.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or does not hold the state of an optimizer.
    pub fn load(self, path: impl AsRef<Path>) -> Result<Self, RecordError> {
        Ok(self.load_record(OptimizerRecord::load(path)?))
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
        regularizer.forget_open_step();
        let starts_from_zero = regularizer.starts_from_zero();
        let mut step = ModuleStep {
            groups: &self.groups,
            states: &mut self.states,
            learning_rate,
            grads,
            walk: Walk::new(&regularizer.policies),
            consolidation: Some(Consolidation {
                starts_from_zero,
                config: &regularizer.config,
                synapses: &mut regularizer.synapses,
                pulls: false,
            }),
        };
        let module = module.map(&mut step);
        let pulls = step.consolidation.is_some_and(|it| it.pulls);
        regularizer.meter.pulls_in_task |= pulls;
        regularizer.meter.count_step();
        module
    }

    fn to_record(&self) -> OptimizerRecord {
        self.to_record()
    }

    fn load_record(self, record: OptimizerRecord) -> Self {
        self.load_record(record)
    }
}
