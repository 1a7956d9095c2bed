//! Reports on what is held back and whether consolidation works.

use burn::Tensor;
use burn::backend::{TensorMetadata, tensor::FloatTensor};
use burn::tensor::{FloatDType, Shape};
use log::warn;

pub use crate::coverage::{Consolidation, Coverage, ParameterCoverage};
use crate::ops::SynapticBackend;
use crate::precision::{sum, widened};
use crate::{Synapse, SynapticIntelligence};

/// Why consolidation did not work in a task in which it should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskWarning {
    /// Every importance is zero: nothing is held back.
    NoImportance,
    /// There is importance, but the penalty was zero at every step: no parameter that matters moved.
    NoPenalty,
    /// The task had no step. Perhaps the optimizer was called instead of
    /// [`optimize`](crate::ContinualLearner::optimize).
    NoStep,
    /// The penalty, the parameters or their importance are infinite or NaN: training has diverged.
    Diverged,
}

/// Means over the steps since the end of the last epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochReport {
    /// Index of the task being learnt when the report was made, from 0.
    pub task: usize,
    /// Number of steps.
    pub num_steps: usize,
    /// Mean of the penalty over the steps, in the unit of the loss. Negative only if there is negative importance,
    /// which some settings keep.
    pub penalty: f64,
    /// Mean of the task losses that were reported, if any were.
    pub task_loss: Option<f64>,
    /// Why consolidation has no effect in this task, or that the training has diverged. `None` if no problem was
    /// noticed.
    pub warning: Option<TaskWarning>,
}

impl EpochReport {
    /// Share of the penalty in the surrogate loss, in `[0, 1]` if neither term is negative. `None` if no task loss was
    /// reported or if the surrogate loss is zero.
    pub fn penalty_share(&self) -> Option<f64> {
        let surrogate = self.task_loss? + self.penalty;
        (surrogate != 0.0).then_some(self.penalty / surrogate)
    }
}

/// Whether consolidation is working, parameter by parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostics {
    /// Index of the task being learnt, from 0.
    pub task: usize,
    /// Steps since the task began.
    pub num_steps: usize,
    /// Why consolidation has no effect in this task, or that the training has diverged. `None` if no problem was
    /// noticed.
    pub warning: Option<TaskWarning>,
    /// Each consolidated parameter, in the module's order.
    pub parameters: Vec<ParameterDiagnostics>,
}

/// State of the synapses of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterDiagnostics {
    /// Path of the parameter in its module, such as `fc1.weight`.
    pub path: String,
    /// Number of synapses.
    pub num_synapses: usize,
    /// Importance at the quantiles 0, 0.25, 0.5, 0.75, 0.99 and 1. `None` before the first task's end.
    pub importance_quantiles: Option<[f64; 6]>,
    /// Share of the synapses with a negative path integral, in `[0, 1]`: their movement raised the loss. `None` before
    /// the task's first step.
    pub negative_path_integral_share: Option<f64>,
}

impl ParameterDiagnostics {
    /// The quantiles of [`importance_quantiles`](Self::importance_quantiles).
    pub const QUANTILES: [f64; 6] = [0.0, 0.25, 0.5, 0.75, 0.99, 1.0];
}

/// Counters since the start of the task and of the epoch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    pub(crate) steps_in_task: usize,
    pub(crate) steps_in_epoch: usize,
    /// Sum of the task losses reported since the epoch's start, `[1]`, outside autodiff.
    pub(crate) loss_sum: Option<Tensor<1>>,
    pub(crate) losses_in_epoch: usize,
    /// Sum of the penalty since the epoch's start, as far as it was read so far.
    pub(crate) penalty_in_epoch: f64,
    /// Whether a penalty of this task was not zero, as far as it was read so far.
    pub(crate) penalized_in_task: bool,
    /// Whether a parameter in a step of this task had a strength above zero.
    pub(crate) pulls_in_task: bool,
    pub(crate) warning: Option<TaskWarning>,
    /// Whether a step was opened but not closed yet.
    pub(crate) is_in_step: bool,
}

impl Meter {
    pub(crate) fn count_step(&mut self) {
        self.steps_in_task += 1;
        self.steps_in_epoch += 1;
    }

    /// Resets the task's counters. An epoch that was not ended continues in the next task. Returns the warning of the
    /// last task.
    pub(crate) fn start_task(&mut self) -> Option<TaskWarning> {
        self.steps_in_task = 0;
        self.penalized_in_task = false;
        self.pulls_in_task = false;
        self.warning.take()
    }
}

impl<B: SynapticBackend> SynapticIntelligence<B> {
    /// Adds a minibatch's task loss, `[1]`, to the mean that [`end_epoch`](Self::end_epoch) reports.
    /// Reads nothing from the device.
    pub fn observe_loss(&mut self, loss: &Tensor<1>) {
        let loss = widened(loss.clone().inner());
        self.meter.losses_in_epoch += 1;
        self.meter.loss_sum = Some(match self.meter.loss_sum.take() {
            // On the device of the loss: the learner may have moved since.
            Some(before) => sum(loss, before),
            None => loss,
        });
    }

    /// Reads the means since the last call and checks that consolidation works. If it has no effect, or if its penalty
    /// is infinite or NaN, the report says so. Once per task, a warning is also logged, with what to do.
    pub fn end_epoch(&mut self) -> EpochReport {
        self.check_effect();
        let meter = &mut self.meter;
        let penalty = core::mem::take(&mut meter.penalty_in_epoch);
        let num_steps = core::mem::take(&mut meter.steps_in_epoch);
        let num_losses = core::mem::take(&mut meter.losses_in_epoch);
        EpochReport {
            task: self.task,
            num_steps,
            penalty: penalty / num_steps.max(1) as f64,
            task_loss: meter
                .loss_sum
                .take()
                .map(|sum| sum.into_scalar::<f64>() / num_losses as f64),
            warning: meter.warning,
        }
    }

    /// Reads the state of every synapse. This copies it all from the device: call it once per task, not
    /// once per step.
    pub fn diagnostics(&self) -> Diagnostics {
        Diagnostics {
            task: self.task,
            num_steps: self.meter.steps_in_task,
            warning: self.meter.warning,
            parameters: self.synapses().into_iter().map(diagnose).collect(),
        }
    }

    /// Reads the penalty since the last call. Warns if it is not finite or has been zero since the task began.
    pub(crate) fn check_effect(&mut self) {
        let penalty: f64 = self
            .synapses
            .in_order_mut()
            .into_iter()
            .filter_map(|synapse| synapse.penalty_sum.take())
            .map(|sum| read::<B>(sum).iter().sum::<f64>())
            .sum();
        let meter = &mut self.meter;
        meter.penalty_in_epoch += penalty;
        meter.penalized_in_task |= penalty != 0.0;
        if !penalty.is_finite() && meter.warning != Some(TaskWarning::Diverged) {
            meter.warning = Some(TaskWarning::Diverged);
            self.warn_of_divergence(penalty);
        }
        let meter = &self.meter;
        // At a task's first step the parameters are at their anchors, so the penalty is rightly zero.
        let had_its_chance = self.task > 0 && meter.pulls_in_task && meter.steps_in_task > 1;
        if had_its_chance && !meter.penalized_in_task && meter.warning.is_none() {
            let important = self
                .synapses
                .in_order()
                .into_iter()
                .filter_map(|synapse| synapse.importance.as_ref())
                .any(|importance| largest::<B>(importance) != 0.0);
            let (warning, reason) = if important {
                (TaskWarning::NoPenalty, "the penalty was zero at every step")
            } else {
                (TaskWarning::NoImportance, "every importance is zero")
            };
            warn!(
                "consolidation has no effect in task {}: {reason} ({} steps)",
                self.task, self.meter.steps_in_task
            );
            self.meter.warning = Some(warning);
        }
    }

    /// Warns if the state at a task's end is infinite or NaN.
    pub(crate) fn check_state(&mut self) -> Option<TaskWarning> {
        // A sum is finite only if all its terms are. The sums of a parameter are read together.
        let f32 = |tensor| B::float_cast(tensor, FloatDType::F32);
        let sum = |tensor: &FloatTensor<B>| B::float_sum(f32(tensor.clone()));
        let mut unsound = self
            .synapses
            .in_order_mut()
            .into_iter()
            .filter_map(|synapse| {
                let contribution = synapse.last_contribution.take();
                let anchor = sum(&synapse.anchor);
                let importance = synapse.importance.as_ref().map(sum);
                // A synapse with a contribution also has importance.
                let sums = [Some(anchor), importance, contribution.map(f32)];
                let sums = read::<B>(B::float_cat(sums.into_iter().flatten().collect(), 0));
                let is_bad = |sum: Option<&f64>| sum.is_some_and(|sum| !sum.is_finite());
                let [anchor, importance, contribution] = [0, 1, 2].map(|it| is_bad(sums.get(it)));
                let has_diverged = anchor || importance;
                (has_diverged || contribution).then(|| (synapse.path.clone(), has_diverged))
            });
        // All are visited, so that each drops the contribution that it kept for this check.
        let first = unsound.next();
        unsound.for_each(drop);
        let (path, has_diverged) = first?;
        if has_diverged {
            warn!(
                "task {} has left {path} or its importance infinite or NaN: its training has diverged, or a batch \
                 held such numbers. Resume from a checkpoint before this task, with a lower learning rate",
                self.task
            );
        } else {
            warn!(
                "gradients of {path} were infinite or NaN in task {}: synapses with such gradients gain no importance \
                 from this task. Skip such steps, or resume from a checkpoint before the task",
                self.task
            );
        }
        Some(TaskWarning::Diverged)
    }

    fn warn_of_divergence(&self, penalty: f64) {
        let moved = |it: &&Synapse<B>| !largest::<B>(&it.anchor).is_finite();
        if let Some(synapse) = self.synapses.in_order().into_iter().find(moved) {
            warn!(
                "the penalty in task {} is {penalty} because the anchor of {} is not finite: an earlier task \
                 has diverged",
                self.task,
                synapse.path()
            );
            return;
        }
        let curvatures = self.synapses.in_order().into_iter().filter_map(|synapse| {
            let pull = synapse.clone().pull(&self.config, synapse.strength)?;
            let importance = match largest::<B>(&pull.importance) {
                importance if importance > pull.bound => pull.bound,
                importance => importance,
            };
            Some((synapse.path(), 2.0 * pull.scale * importance))
        });
        let steepest = curvatures.max_by(|(_, one), (_, other)| one.total_cmp(other));
        let Some((path, curvature)) = steepest else {
            return;
        };
        if !curvature.is_finite() {
            warn!(
                "the penalty in task {} is {penalty} because the importance of {path} is not finite: an earlier task \
                 has diverged",
                self.task
            );
            return;
        }
        warn!(
            "the penalty in task {} is {penalty}: the training has diverged, or the sum has overflowed. \
             Plain gradient descent overshoots if the penalty's curvature 2·c·Ω is above \
             2 / learning rate. Here it is up to {curvature:.3e}, in {path}: lower the learning \
             rate or the strength, raise the damping, or bound the importance",
            self.task
        );
    }
}

/// The largest magnitude in a tensor. Waits for the device.
fn largest<B: SynapticBackend>(tensor: &FloatTensor<B>) -> f64 {
    let largest = read::<B>(B::float_max_abs(tensor.clone()));
    largest.first().copied().unwrap_or(0.0)
}

fn diagnose<B: SynapticBackend>(synapse: &Synapse<B>) -> ParameterDiagnostics {
    ParameterDiagnostics {
        path: synapse.path().to_string(),
        num_synapses: synapse.shape().num_elements(),
        importance_quantiles: synapse
            .importance_primitive()
            .map(|importance| quantiles(read::<B>(importance.clone()))),
        negative_path_integral_share: synapse
            .path_integral_primitive()
            .map(|path_integral| negative_share(read::<B>(path_integral.clone()))),
    }
}

/// The share of the values that are negative, in `[0, 1]`.
pub(crate) fn negative_share(values: Vec<f64>) -> f64 {
    let negative = values.iter().filter(|value| **value < 0.0).count();
    negative as f64 / values.len().max(1) as f64
}

/// The values at [`ParameterDiagnostics::QUANTILES`], by nearest rank.
pub(crate) fn quantiles(mut values: Vec<f64>) -> [f64; 6] {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    ParameterDiagnostics::QUANTILES.map(|quantile| {
        let rank = (quantile * last as f64).round() as usize;
        values.get(rank).copied().unwrap_or(0.0)
    })
}

/// The elements of a tensor, in order. Waits for the device.
fn read<B: SynapticBackend>(tensor: FloatTensor<B>) -> Vec<f64> {
    let flat = Shape::new([tensor.shape().num_elements()]);
    let tensor: Tensor<1> = B::tensor(B::float_reshape(tensor, flat));
    tensor.into_data().iter::<f64>().collect()
}
