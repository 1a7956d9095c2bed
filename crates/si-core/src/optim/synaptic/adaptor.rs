use burn::Tensor;
use burn::backend::Dispatch;
use burn::optim::{LearningRate, Optimizer};
use burn::tensor::Device;
use log::warn;

use super::state::SynapticState;
use super::{TaskControl, request};
use crate::growth::zeros_like;
use crate::ops::{PathStep, Penalized, Penalty, SynapticBackend, SynapticOps};
use crate::precision::widen;
use crate::settings::{FirstTaskStart, Normalization, PathGradient};
use crate::{Error, SynapticIntelligenceConfig};

/// Synaptic Intelligence inside any of Burn's optimizers. It consolidates by itself: for a loop with an optimizer and no
/// [`ContinualLearner`](crate::ContinualLearner) around its module.
///
/// Replace the optimizer, and report each task's end to [`TaskControl`]. The rest of the loop stays as it is:
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
/// Apart from the limits below, the numbers are exactly those of a [`ContinualLearner`](crate::ContinualLearner),
/// bit for bit. The optimizer's state holds ω, Ω and θ̃. So Burn's own records store them, and you can use this
/// optimizer wherever a [`ModuleOptimizer`](burn::optim::ModuleOptimizer) is accepted. Use either this or a
/// learner for a module, not both: together they would add the penalty twice.
///
/// # When a task ends
///
/// [`TaskControl::end_task`] only counts. Each parameter is consolidated at the start of its next step, when it is
/// still where the task ended. A record written in between stores the count, so nothing is lost. Call
/// [`TaskControl::consolidate`] as well if your loop changes parameters between tasks, or reads the importance
/// before the next step.
///
/// # Records
///
/// Loading restores the optimizer's state but cannot reach [`TaskControl`]. So call [`TaskControl::resume`] after
/// each load:
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
/// The state of the inner optimizer is recorded under separate names. So this optimizer cannot use the record of a
/// bare optimizer, nor the other way round: Burn skips state that it has no use for, and the optimizer starts over
/// with its parameters. Here that is logged as a warning, and `resume` returns [`Error::NoSynapses`]. If a bare
/// optimizer loads a record of this one, it goes unnoticed.
///
/// # Limits
///
/// An optimizer gets one parameter, its gradient and its state, and nothing else:
///
/// - **Gradient clipping** set on the `ModuleOptimizer` happens before this optimizer. So the path integral uses
///   the clipped gradient, and the penalty is not clipped. With a learner it is the other way round, as the method
///   requires.
/// - **Parameters** are chosen by [`with_group`](burn::optim::ModuleOptimizer::with_group). Each group has a
///   separate optimizer: a bare one, or one of these with separate settings and the same `TaskControl`. A config
///   with policies is an error, because policies go by path.
/// - **Normalization** is an error, because it takes the importance of all parameters together.
/// - **A group that is added later** gets its parameters without their state, and so without synapses: Burn stores
///   a parameter's optimizer together with its state, and drops both.
/// - **The optimizer must be kept** between tasks: its state holds the synapses. A new optimizer starts without
///   importance, and [`TaskControl::end_task`] reports that. This also happens in a loop that takes the optimizer
///   and does not return it, such as a launch of burn-train. If each task needs a fresh optimizer, use a
///   [`ContinualLearner`](crate::ContinualLearner): it keeps the state with the module.
/// - **Clones** of the optimizer share its `TaskControl`: a task that ends for one ends for all. For a separate
///   branch, load a record into a new optimizer with a new `TaskControl`.
/// - **The penalty and the path integral** each have a separate pass, even with
///   [`SynapticAdam`](crate::optim::SynapticAdam), [`SynapticAdamW`](crate::optim::SynapticAdamW) or
///   [`SynapticSgd`](crate::optim::SynapticSgd) inside.
/// - **[`StatePrecision::Bf16`](crate::settings::StatePrecision::Bf16)** has no effect on a device that does not
///   support it.
/// - A parameter whose **shape changed** under its id starts over, with a warning.
#[derive(Clone, Debug)]
pub struct Synaptic<O> {
    optimizer: O,
    config: SynapticIntelligenceConfig,
    tasks: TaskControl,
}

impl<O: Optimizer> Synaptic<O> {
    /// Puts the method into `optimizer`, which learns `tasks`. Optimizers for several groups of parameters share
    /// one `TaskControl`.
    ///
    /// # Errors
    ///
    /// Those of [`SynapticIntelligenceConfig::init`], [`Error::NoPath`] if the config has a policy, and
    /// [`Error::OneParameter`] if it has a normalization.
    pub fn new(
        optimizer: O,
        config: &SynapticIntelligenceConfig,
        tasks: &TaskControl,
    ) -> Result<Self, Error> {
        config.validate()?;
        // Policies cannot be applied here, so they must not go unnoticed.
        if let Some(policy) = config.policies.first() {
            return Err(Error::NoPath(policy.to_string()));
        }
        if config.normalization != Normalization::Off {
            return Err(Error::OneParameter);
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
                    "the optimizer has state for a parameter of shape {found:?}, but the parameter has \
                     shape {expected:?}: it starts without importance"
                );
            }
            expected == found
        });
        let mut state = state.unwrap_or_else(|| self.begin(&parameter));
        let before = Dispatch::primitive(parameter.clone());
        state.catch_up(&before, &self.config, &self.tasks);
        if request::is_consolidating() {
            return (parameter, Some(state));
        }
        self.tasks.count_step(state.synapse.importance.is_some());
        state.num_steps += 1;

        let path_integral =
            (state.synapse.path_integral.take()).unwrap_or_else(|| zeros_like::<Dispatch>(&before));
        // Deviation: Burn has already clipped the gradient if clipping is set, and the original is gone.
        let task_gradient = Dispatch::primitive(gradient);
        let factor = self.config.strength_factor(self.tasks.task());
        let strength = factor * self.config.strength;
        let total = match state.synapse.pull(&self.config, strength) {
            None => task_gradient.clone(),
            Some(pull) => {
                let penalty = Penalty {
                    parameter: before.clone(),
                    importance: pull.importance,
                    anchor: state.synapse.anchor.clone(),
                    scale: pull.scale,
                    bound: pull.bound,
                };
                let Penalized { gradient, penalty } =
                    Dispatch::penalize(task_gradient.clone(), penalty);
                state.synapse.add_penalty(penalty);
                gradient
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
        let path_step = PathStep {
            gradient: path_gradient,
            before,
            after: Dispatch::primitive(parameter.clone()),
        };
        state.synapse.path_integral =
            Some(Dispatch::advance_path_integral(path_integral, path_step));
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
