use burn::Tensor;
use burn::backend::Dispatch;
use burn::optim::{LearningRate, Optimizer};
use burn::tensor::Device;
use log::warn;

use super::state::SynapticState;
use super::{TaskControl, survey};
use crate::growth::zeros_like;
use crate::ops::{SynapticBackend, SynapticOps};
use crate::precision::widen;
use crate::settings::{FirstTaskStart, PathGradient};
use crate::{Error, SynapticIntelligenceConfig};

/// Synaptic Intelligence inside any of Burn's optimizers: for a loop that has an optimizer and wants no
/// wrapper around its module.
///
/// The optimizer is exchanged, and a task's end is told to [`TaskControl`]; the loop stays as it is:
///
/// ```diff
/// -let mut optimizer = AdamConfig::new().init();
/// +let tasks = TaskControl::new();
/// +let adam = Synaptic::new(AdamConfig::new().build(), &SynapticIntelligenceConfig::new(), &tasks)?;
/// +let mut optimizer = ModuleOptimizer::from(adam);
///  for task in data {
///      for batch in task {
///          let loss = loss_fn.forward(model.forward(batch.inputs), batch.targets);
///          let grads = GradientsParams::from_grads(loss.backward(), &model);
///          model = optimizer.step(learning_rate, model, grads);
///      }
/// +    tasks.end_task();
///  }
/// ```
///
/// The numbers are those of a [`ContinualLearner`](crate::ContinualLearner), to the bit, but for what
/// stands below. ω, Ω and θ̃ are in the optimizer's state, so Burn's own records hold them, and
/// whatever takes a [`ModuleOptimizer`](burn::optim::ModuleOptimizer) takes this one. A module must have
/// one or the other: in a learner's hands this optimizer would add the penalty twice.
///
/// # When a task ends
///
/// [`TaskControl::end_task`] counts, and each parameter is consolidated at the start of its next step: it is
/// then still where the task ended. A record that is written between the two holds the count, and
/// nothing is lost. A loop that itself changes parameters between tasks, or wants to read the importance
/// before the next step, calls [`TaskControl::consolidate`] too.
///
/// # Records
///
/// Loading gives the optimizer its state and cannot reach [`TaskControl`], so after each load comes
/// [`TaskControl::resume`]:
///
/// ```
/// # use burn::{nn::LinearConfig, optim::{AdamConfig, GradientsParams, ModuleOptimizer}};
/// # use burn::tensor::{Device, Tensor};
/// # use si_core::SynapticIntelligenceConfig;
/// # use si_core::optim::{Synaptic, TaskControl};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let device = Device::flex().autodiff();
/// # let mut model = LinearConfig::new(2, 1).init(&device);
/// # let config = SynapticIntelligenceConfig::new();
/// # let synaptic = |tasks: &TaskControl| {
/// #     Synaptic::new(AdamConfig::new().build(), &config, tasks).map(ModuleOptimizer::from)
/// # };
/// # let tasks = TaskControl::new();
/// # let mut optimizer = synaptic(&tasks)?;
/// # let loss = model.forward(Tensor::<2>::ones([1, 2], &device)).mean();
/// # let grads = GradientsParams::from_grads(loss.backward(), &model);
/// # model = optimizer.step(1e-3, model, grads);
/// tasks.end_task();
/// let bytes = optimizer.into_bytes()?;
/// // … and in another process:
/// let tasks = TaskControl::new();
/// let optimizer = synaptic(&tasks)?.from_bytes(bytes)?;
/// assert_eq!(tasks.resume(&optimizer)?, 1);
/// # Ok(())
/// # }
/// ```
///
/// The state of the optimizer inside is recorded under names of its own. The record of a bare optimizer
/// is thus none of this one, nor the other way round: Burn passes over state that it finds no use for,
/// and the parameters begin anew. Here that is logged as a warning, and `resume` returns
/// [`Error::NoSynapses`]; a bare optimizer that is given a record of this one says nothing.
///
/// # Limits
///
/// An optimizer is given one parameter, its gradient and its state, and knows no more:
///
/// - **Gradient clipping** that is set on the `ModuleOptimizer` comes before this optimizer. So the path
///   integral is of the clipped gradient, and the penalty is not clipped. With a learner it is the other
///   way round, as the method has it.
/// - **The choice of parameters** is that of
///   [`with_group`](burn::optim::ModuleOptimizer::with_group): each group has an optimizer of its own,
///   with settings of its own and the same `TaskControl`, or a bare one. A config's policies go by
///   path, and are an error.
/// - **A group that is added later** gets the parameters that match it without their state, synapses
///   included: Burn keeps the optimizer of a parameter with its state, and drops both.
/// - **The optimizer must be kept** between tasks: its state is the synapses. One that is made anew begins
///   without importance, which [`TaskControl::end_task`] reports; so it is in a loop that takes the optimizer and does not give it back, as
///   a launch of burn-train does. Where tasks want a fresh optimizer, a
///   [`ContinualLearner`](crate::ContinualLearner) keeps the state with the module.
/// - **Clones** of the optimizer share its `TaskControl`, and a task that ends for one ends for all. For a
///   branch of its own, load a record into a new optimizer with new `TaskControl`.
/// - **Penalty and path integral** have passes of their own, [`SynapticAdam`](crate::optim::SynapticAdam) and
///   [`SynapticSgd`](crate::optim::SynapticSgd) inside included.
/// - **[`StatePrecision::Bf16`](crate::settings::StatePrecision::Bf16)** is without effect on a device that does not
///   bear it.
/// - A parameter whose **shape changed** under its id begins anew, with a warning.
#[derive(Clone, Debug)]
pub struct Synaptic<O> {
    optimizer: O,
    config: SynapticIntelligenceConfig,
    tasks: TaskControl,
}

impl<O: Optimizer> Synaptic<O> {
    /// Puts the method into `optimizer`, which learns `tasks`. Optimizers for several groups of
    /// parameters share them.
    ///
    /// # Errors
    ///
    /// Those of [`SynapticIntelligenceConfig::init`], and [`Error::NoPath`] if the config has a policy.
    pub fn new(
        optimizer: O,
        config: &SynapticIntelligenceConfig,
        tasks: &TaskControl,
    ) -> Result<Self, Error> {
        config.validate()?;
        // What cannot be followed must not be passed over in silence.
        if let Some(policy) = config.policies.first() {
            return Err(Error::NoPath(policy.to_string()));
        }
        Ok(Self {
            optimizer,
            config: config.clone(),
            tasks: tasks.clone(),
        })
    }

    /// The settings.
    pub fn config(&self) -> &SynapticIntelligenceConfig {
        &self.config
    }

    /// The tasks that it learns.
    pub fn tasks(&self) -> &TaskControl {
        &self.tasks
    }

    /// The state of a parameter that is seen for the first time.
    fn begin<const D: usize>(&self, parameter: &Tensor<D>) -> SynapticState<O::State<D>, D> {
        let is_zero =
            self.tasks.task() == 0 && self.config.first_task_start == FirstTaskStart::Zero;
        let parameter = Dispatch::primitive(parameter.clone());
        let anchor = if is_zero {
            zeros_like::<Dispatch>(&parameter)
        } else {
            widen::<Dispatch>(parameter)
        };
        let anchor = self.config.state_precision.hold::<Dispatch>(anchor);
        SynapticState::new(anchor, &self.tasks)
    }
}

impl<O: Optimizer> Optimizer for Synaptic<O> {
    type State<const D: usize> = SynapticState<O::State<D>, D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let state = state.filter(|state| {
            let (expected, found) = (parameter.shape(), state.synapse.shape());
            if expected != found {
                warn!(
                    "the optimizer's state is of a parameter of shape {found:?}, and the parameter \
                     has {expected:?}: it starts without importance"
                );
            }
            expected == found
        });
        let mut state = state.unwrap_or_else(|| self.begin(&parameter));
        let before = Dispatch::primitive(parameter.clone());
        state.catch_up(&before, &self.config, &self.tasks);
        if survey::is_consolidating() {
            return (parameter, Some(state));
        }
        self.tasks.count_step(state.synapse.importance.is_some());
        state.num_steps += 1;

        let path_integral =
            (state.synapse.path_integral.take()).unwrap_or_else(|| zeros_like::<Dispatch>(&before));
        // Deviation: where the gradient is clipped, Burn has done it before, and what it was is gone.
        let task_gradient = Dispatch::primitive(gradient);
        let factor = self.config.strength_factor(self.tasks.task());
        let scale = self.config.penalty_scale(factor * self.config.strength);
        let importance = state.synapse.importance.clone();
        let total = match importance.filter(|_| scale > 0.0) {
            None => task_gradient.clone(),
            Some(importance) => {
                let (total, penalty) = Dispatch::penalize(
                    task_gradient.clone(),
                    before.clone(),
                    importance,
                    state.synapse.anchor.clone(),
                    scale,
                    self.config.importance_bound.unwrap_or(f64::INFINITY),
                );
                state.synapse.add_penalty(penalty);
                total
            }
        };
        let path_gradient = match self.config.path_gradient {
            PathGradient::Task => task_gradient,
            PathGradient::Total => total.clone(),
        };
        let total = Dispatch::tensor::<D>(total);
        let (parameter, optimizer_state) =
            self.optimizer
                .step(learning_rate, parameter, total, state.optimizer.take());
        state.optimizer = optimizer_state;
        state.synapse.path_integral = Some(Dispatch::advance_path_integral(
            path_integral,
            path_gradient,
            before,
            Dispatch::primitive(parameter.clone()),
        ));
        (parameter, Some(state))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        let inner = device.clone().inner();
        SynapticState {
            optimizer: (state.optimizer).map(|optimizer| O::to_device(optimizer, device)),
            synapse: state.synapse.to_device(inner.as_dispatch()),
            ..state
        }
    }
}
