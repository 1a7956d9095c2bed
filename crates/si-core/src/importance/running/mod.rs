//! Importance that is measured in the steps of a task, instead of after its last one.

mod measure;
mod record;
mod state;

pub use measure::RunningMeasure;

use std::collections::{HashMap, HashSet};

use burn::Tensor;
use burn::backend::{Dispatch, tensor::FloatTensor};
use burn::module::{Module, Param, ParamId};
use burn::optim::GradientsParams;

use self::state::State;
use super::Importance;
use crate::Error;
use crate::policy::Policies;
use crate::precision::widened;
use crate::synapse::ranked;
use crate::traversal::{
    ParameterVisitor, Place, consolidated_ids, parameter_ids, visit_parameters,
};

/// Measures importance in every step of a task, from the gradients that the step has anyway. So it needs no examples at
/// the task's end.
///
/// It is a source of [`Importance`], as the functions of this module are; a
/// [`QuadraticPenalty`](crate::QuadraticPenalty) takes the result. A step needs two calls, around everything that
/// changes the gradients or the module:
///
/// ```diff
///  let grads = GradientsParams::from_grads(loss.backward(), &model);
/// +running.begin_step(&model, &grads);
///  let grads = penalty.penalize(&model, grads);
///  model = optimizer.step(learning_rate, model, grads);
/// +running.end_step(&model);
///  // … and at the end of each task:
/// +let importance = running.end_task(&model);
///  penalty.consolidate(&model, &importance);
/// ```
///
/// Its state is one to six tensors of the size of the parameters, in f32, or in f64 if the parameter is. It belongs to
/// parameters by id, and follows a parameter that grows. A step reads nothing from the device.
/// [`record`](Self::record) saves the state.
#[derive(Clone, Debug)]
pub struct RunningImportance {
    measure: RunningMeasure,
    states: HashMap<ParamId, State>,
    /// The parameters that the loaded record had entries for. Entries of zeros leave no state, but later records have them
    /// too.
    recorded: HashSet<ParamId>,
    /// The gradients and the parameters before the step that is open.
    open: HashMap<ParamId, Opened>,
    /// Number of steps in the current interval.
    num_steps: usize,
    /// Number of intervals that have ended, in all tasks.
    num_intervals: usize,
    /// Number of tasks that have ended.
    num_tasks: usize,
}

#[derive(Clone, Debug)]
struct Opened {
    gradient: FloatTensor<Dispatch>,
    /// The gradient of another minibatch.
    second: Option<FloatTensor<Dispatch>>,
    parameter: FloatTensor<Dispatch>,
}

impl RunningImportance {
    /// One that has not seen a step yet.
    ///
    /// # Errors
    ///
    /// - [`Error::Decay`] if a decay is outside `[0, 1)`.
    /// - [`Error::Interval`] if an interval has no step.
    /// - [`Error::Damping`] if a damping is not a finite number > 0.
    pub fn new(measure: RunningMeasure) -> Result<Self, Error> {
        measure.validate()?;
        Ok(Self {
            measure,
            states: HashMap::new(),
            recorded: HashSet::new(),
            open: HashMap::new(),
            num_steps: 0,
            num_intervals: 0,
            num_tasks: 0,
        })
    }

    /// What it measures.
    pub fn measure(&self) -> RunningMeasure {
        self.measure
    }

    /// The number of tasks that have ended.
    pub fn task(&self) -> usize {
        self.num_tasks
    }

    /// The tensors of the state of the parameters that `module` trains, as the backend's primitives. They tell how much
    /// memory the state takes.
    pub fn state_primitives<M: Module>(
        &self,
        module: &M,
    ) -> impl Iterator<Item = &FloatTensor<Dispatch>> {
        let trained = consolidated_ids(module, &Policies::default());
        let states = self.states.iter();
        let of_trained = states.filter(move |(id, _)| trained.contains(id));
        of_trained.flat_map(|(_, state)| state.primitives())
    }

    /// Opens a step. `module` has the parameters before the step, and `grads` are the gradients of the task loss alone,
    /// before any penalty or clipping. Parameters without a gradient are passed over.
    pub fn begin_step<M: Module>(&mut self, module: &M, grads: &GradientsParams) {
        self.open_step(module, grads, None);
    }

    /// Like [`begin_step`](Self::begin_step), with the gradients of another minibatch at the same parameters. A measure that
    /// [needs them](RunningMeasure::needs_second_gradient) counts no step without.
    pub fn begin_step_with<M: Module>(
        &mut self,
        module: &M,
        grads: &GradientsParams,
        second: &GradientsParams,
    ) {
        self.open_step(module, grads, Some(second));
    }

    fn open_step<M: Module>(
        &mut self,
        module: &M,
        grads: &GradientsParams,
        second: Option<&GradientsParams>,
    ) {
        self.open.clear();
        let mut open = Open {
            grads,
            second,
            opened: &mut self.open,
        };
        visit_parameters(module, &Policies::default(), &mut open);
    }

    /// Ends the step. `module` has the parameters after it. Does nothing if no step is open.
    pub fn end_step<M: Module>(&mut self, module: &M) {
        let opened = core::mem::take(&mut self.open);
        if opened.is_empty() {
            return;
        }
        self.num_steps += 1;
        let mut advance = Advance {
            measure: self.measure,
            opened,
            states: &mut self.states,
        };
        visit_parameters(module, &Policies::default(), &mut advance);
        if self.measure.ends_interval(self.num_steps) {
            self.end_interval(module);
        }
    }

    /// Ends the task and returns its importance. Call it after the last step of a task, with the module after that step.
    /// It has the importance of each parameter that ever had a gradient. The state of parameters that the module no longer
    /// has is dropped.
    pub fn end_task<M: Module>(&mut self, module: &M) -> Importance {
        if self.num_steps > 0 {
            self.end_interval(module);
        }
        let ids = parameter_ids(module);
        self.states.retain(|id, _| ids.contains(id));
        let mut end = EndTask {
            measure: self.measure,
            is_first: self.num_tasks == 0,
            states: &mut self.states,
            parts: Vec::new(),
        };
        visit_parameters(module, &Policies::default(), &mut end);
        let mut parts = end.parts;
        if self.measure.is_scaled() {
            parts = parts.into_iter().map(Importance::scaled_to_unit).collect();
        }
        self.num_tasks += 1;
        parts
            .into_iter()
            .fold(Importance::default(), Importance::merge)
    }

    fn end_interval<M: Module>(&mut self, module: &M) {
        let mut end = EndInterval {
            measure: self.measure,
            num_steps: self.num_steps,
            is_first: self.num_intervals == 0,
            states: &mut self.states,
        };
        visit_parameters(module, &Policies::default(), &mut end);
        self.num_steps = 0;
        self.num_intervals += 1;
    }
}

/// Keeps each gradient, and the parameter before the step.
struct Open<'a> {
    grads: &'a GradientsParams,
    second: Option<&'a GradientsParams>,
    opened: &'a mut HashMap<ParamId, Opened>,
}

impl ParameterVisitor for Open<'_> {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.grads.get::<D>(param.id) {
            let device = gradient.device();
            let parameter = param.val().inner().to_device(&device);
            let second = self.second.and_then(|it| it.get::<D>(param.id));
            let second = second.map(|it| widened(it.inner()).to_device(&device).into_dispatch());
            let opened = Opened {
                second,
                gradient: widened(gradient.inner()).into_dispatch(),
                parameter: widened(parameter).into_dispatch(),
            };
            self.opened.insert(param.id, opened);
        }
    }
}

/// Ends a step.
struct Advance<'a> {
    measure: RunningMeasure,
    opened: HashMap<ParamId, Opened>,
    states: &'a mut HashMap<ParamId, State>,
}

impl ParameterVisitor for Advance<'_> {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        let Some(opened) = self.opened.remove(&param.id) else {
            return;
        };
        let before: Tensor<D> = ranked::<Dispatch, D>(&opened.parameter);
        let gradient: Tensor<D> = ranked::<Dispatch, D>(&opened.gradient);
        let second = opened.second.as_ref().map(ranked::<Dispatch, D>);
        let after = widened(param.val().inner()).to_device(&before.device());
        // Its shape has changed between the two calls.
        if after.shape() != before.shape() {
            return;
        }
        let state = self.states.get(&param.id);
        let state = state.and_then(|state| state.tensors(self.measure, &before));
        let state = state.unwrap_or_else(|| self.measure.begin(&before));
        let state = self.measure.step(state, gradient, second, after - before);
        self.states.insert(param.id, State::new(state));
    }
}

/// Ends an interval.
struct EndInterval<'a> {
    measure: RunningMeasure,
    num_steps: usize,
    is_first: bool,
    states: &'a mut HashMap<ParamId, State>,
}

impl ParameterVisitor for EndInterval<'_> {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        let Some(state) = self.states.get(&param.id) else {
            return;
        };
        let parameter = widened(param.val().inner());
        if let Some(state) = state.tensors(self.measure, &parameter) {
            let Self {
                measure,
                num_steps,
                is_first,
                ..
            } = *self;
            let state = measure.end_interval(state, parameter, num_steps, is_first);
            self.states.insert(param.id, State::new(state));
        }
    }
}

/// Ends a task.
struct EndTask<'a> {
    measure: RunningMeasure,
    is_first: bool,
    states: &'a mut HashMap<ParamId, State>,
    parts: Vec<Importance>,
}

impl ParameterVisitor for EndTask<'_> {
    fn visit<const D: usize>(&mut self, _place: Place<'_>, param: &Param<Tensor<D>>) {
        let Some(state) = self.states.get(&param.id) else {
            return;
        };
        let parameter = widened(param.val().inner());
        let Some(state) = state.tensors(self.measure, &parameter) else {
            return;
        };
        let (state, parts) = self.measure.end_task(state, parameter, self.is_first);
        self.states.insert(param.id, State::new(state));
        self.parts.resize_with(parts.len(), Importance::default);
        for (importance, part) in self.parts.iter_mut().zip(parts) {
            importance.add(param.id, part);
        }
    }
}
