use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::Tensor;
use burn::module::{Module, Param};
use burn::optim::{GradientsParams, ModuleOptimizer};
use log::warn;

use super::request::{self, FoundSynapse};
use crate::policy::Policies;
use crate::trained::{checkpointing_of, train_with};
use crate::traversal::{ParameterVisitor, Place, visit_parameters};
use crate::{Error, SynapticIntelligence, SynapticIntelligenceConfig, TaskWarning};

/// Counts the tasks of [`Synaptic`](crate::optim::Synaptic) optimizers: tells them when one task ends and the next
/// begins.
///
/// Clones share one count. So one clone can stay with the loop over the tasks while the optimizer is elsewhere.
#[derive(Clone, Debug, Default)]
pub struct TaskControl(Arc<Mutex<Count>>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// The number of tasks before the first end counted here. Negative after loading a record of an earlier task.
    first: i64,
    ends: i64,
    has_step: bool,
    /// Whether any parameter had importance in a step of this task.
    is_held: bool,
}

impl TaskControl {
    /// Starts at the first task, with no step taken.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of tasks that have ended, which is the index of the task being learnt.
    pub fn task(&self) -> usize {
        let ends = self.count().ends;
        self.number_after(ends)
    }

    /// Ends the current task. Each parameter is consolidated at the start of its next step, or by
    /// [`consolidate`](Self::consolidate).
    ///
    /// If no step was taken since the last call, it changes nothing, logs a warning and returns
    /// [`TaskWarning::NoStep`]. If no parameter had importance in a task after the first, as with a new optimizer,
    /// it logs a warning and returns [`TaskWarning::NoImportance`].
    pub fn end_task(&self) -> Option<TaskWarning> {
        let mut count = self.count();
        if !count.has_step {
            drop(count);
            warn!(
                "task {} has had no step to consolidate; after loading the optimizer, call \
                 `TaskControl::resume`",
                self.task()
            );
            return Some(TaskWarning::NoStep);
        }
        let is_inert = count.first + count.ends > 0 && !count.is_held;
        count.ends += 1;
        count.has_step = false;
        count.is_held = false;
        drop(count);
        is_inert.then(|| {
            warn!(
                "no parameter in task {} had importance: a new optimizer does not have the importance that \
                 the old one gathered",
                self.task() - 1
            );
            TaskWarning::NoImportance
        })
    }

    /// Continues from the record that was loaded into `optimizer`, and returns the [task](Self::task). Changes
    /// nothing if the optimizer was not loaded.
    ///
    /// Call it after each load. Otherwise the task is known only from the next step on, and until then
    /// [`end_task`](Self::end_task) finds no step to count. If this `TaskControl` is already past the task of the
    /// record, the consolidation is wrong.
    ///
    /// # Errors
    ///
    /// [`Error::NoSynapses`] if the optimizer has no synapses: the record is from another optimizer, or from
    /// before the first step.
    pub fn resume(&self, optimizer: &ModuleOptimizer) -> Result<usize, Error> {
        let found = request::collect_synapses(optimizer);
        if found.is_empty() {
            return Err(Error::NoSynapses);
        }
        let is_loaded = |found: &&FoundSynapse| found.position.is_loose();
        let loaded: Vec<&FoundSynapse> = found.iter().filter(is_loaded).collect();
        let current = loaded.iter().map(|found| found.position.record().current);
        if let Some(current) = current.max() {
            let mut count = self.count();
            count.first = number(current) - count.ends;
            count.has_step = (loaded.iter())
                .any(|found| found.num_steps > 0 && found.position.record().task == current);
            count.is_held = (loaded.iter()).any(|found| found.synapse.importance.is_some());
        }
        for found in loaded {
            found.position.bind(self);
        }
        Ok(self.task())
    }

    /// Consolidates now instead of at the next step after [`end_task`](Self::end_task): for a loop that changes
    /// parameters between tasks, or reads the importance.
    ///
    /// `module` is the one that `optimizer` updates, in training or in validation mode. It is returned unchanged.
    pub fn consolidate<M: Module>(&self, optimizer: &mut ModuleOptimizer, module: M) -> M {
        struct Due {
            found: Vec<FoundSynapse>,
            grads: GradientsParams,
        }
        impl ParameterVisitor for Due {
            fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
                // The optimizer is called only for parameters with a gradient. The gradient itself is not read.
                if self.found.iter().any(|found| found.id == param.id) {
                    self.grads.register::<D>(param.id, param.val().inner());
                }
            }
        }
        let mut due = Due {
            found: request::collect_synapses(optimizer),
            grads: GradientsParams::new(),
        };
        visit_parameters(&module, &Policies::default(), &mut due);
        // An optimizer updates parameters only in training mode.
        let in_training = train_with(module.valid(), checkpointing_of(&module));
        request::consolidating(|| optimizer.step(0.0, in_training, due.grads));
        module
    }

    /// A copy of the state in `optimizer`, as a regularizer. Use it to read ω, Ω and θ̃ by parameter, or to call
    /// [`diagnostics`](SynapticIntelligence::diagnostics) and [`end_epoch`](SynapticIntelligence::end_epoch),
    /// which reports the penalty of the task so far.
    ///
    /// A task that has ended is included only once it is [consolidated](Self::consolidate).
    ///
    /// # Errors
    ///
    /// Those of [`SynapticIntelligenceConfig::init`].
    pub fn regularizer<M: Module>(
        &self,
        optimizer: &ModuleOptimizer,
        module: &M,
        config: &SynapticIntelligenceConfig,
    ) -> Result<SynapticIntelligence, Error> {
        struct Filled {
            found: Vec<FoundSynapse>,
            regularizer: SynapticIntelligence,
        }
        impl ParameterVisitor for Filled {
            fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
                let of_param = |found: &FoundSynapse| found.id == param.id;
                if let Some(index) = self.found.iter().position(of_param) {
                    let found = self.found.swap_remove(index);
                    let mut synapse = found.synapse;
                    synapse.path = place.path.to_string();
                    synapse.order = place.order;
                    if found.position.record().is_current() {
                        let meter = &mut self.regularizer.meter;
                        meter.steps_in_task = meter.steps_in_task.max(found.num_steps);
                        meter.steps_in_epoch = meter.steps_in_task;
                        meter.pulls_in_task = self.regularizer.config.strength > 0.0;
                    } else {
                        // It belongs to a task that has ended.
                        synapse.penalty_sum = None
                    }
                    self.regularizer.synapses.insert(param.id, synapse);
                }
            }
        }
        let mut filled = Filled {
            found: request::collect_synapses(optimizer),
            regularizer: config.init()?,
        };
        filled.regularizer.enter_task(self.task());
        visit_parameters(module, &Policies::default(), &mut filled);
        Ok(filled.regularizer)
    }

    pub(super) fn count_step(&self, is_held: bool) {
        let mut count = self.count();
        count.has_step = true;
        count.is_held |= is_held;
    }

    /// The number of task ends counted here.
    pub(super) fn ends(&self) -> i64 {
        self.count().ends
    }

    /// The task that is being learnt after this many ends.
    pub(super) fn number_after(&self, ends: i64) -> usize {
        usize::try_from(self.count().first + ends).unwrap_or(0)
    }

    /// The number of ends after which `task` was being learnt.
    pub(super) fn ends_before(&self, task: usize) -> i64 {
        number(task) - self.count().first
    }

    /// Learns from a record that `task` has begun.
    pub(super) fn know(&self, task: usize) {
        let mut count = self.count();
        count.first = count.first.max(number(task) - count.ends);
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The numbers are consistent at any time, even if a thread panicked while holding the lock.
    fn count(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Saturates, far beyond any number of tasks.
fn number(task: usize) -> i64 {
    i64::try_from(task).unwrap_or(i64::MAX)
}
