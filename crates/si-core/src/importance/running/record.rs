//! The saved state.
//!
//! Each trained parameter has an entry for each tensor that the measure keeps, such as `<path>.second_moment`. The numbers
//! of steps, intervals and tasks are at `running_importance.counts`. A parameter without state is recorded as zeros, so that
//! every record of a module has the same entries. A step that is open is not in the record.

use std::collections::{HashMap, HashSet};

use burn::Tensor;
use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{DType, Device, Int};

use super::state::State;
use super::{RunningImportance, RunningMeasure};
use crate::policy::Policies;
use crate::precision::widened;
use crate::recorded::{MapState, VisitState, explain, paths_with};
use crate::traversal::{ParameterVisitor, Place, consolidated_ids, ids_at, visit_parameters};

impl RunningImportance {
    /// The state for the parameters of `module`, by path. Save it together with the module's own record, between two
    /// steps.
    ///
    /// [`ModuleRecord::save`] writes it to a file, which is either complete or absent.
    pub fn record<M: Module>(&self, module: &M) -> ModuleRecord {
        Recorded::new(self.clone(), module).into_record()
    }

    /// Loads the state from a record, for the parameters that `module` has now. Load the module first. With the same
    /// measure, training resumes with exactly the same numbers (bit for bit, on a CPU).
    ///
    /// # Errors
    ///
    /// If the record is not of this module or of another measure: its paths, names or shapes differ, or parameters are
    /// trained here that were frozen when it was made.
    pub fn load_record<M: Module>(
        self,
        module: &M,
        record: ModuleRecord,
    ) -> Result<Self, RecordError> {
        let name = self.measure.names()[0];
        let recorded = Recorded {
            stored: paths_with(&record, name)?,
            ..Recorded::new(self, module)
        };
        let loaded = recorded.try_load_record(record);
        Ok(loaded.map_err(|error| explain(error, name))?.running)
    }
}

const STATE: &str = "running_importance";
const COUNTS: &str = "counts";

/// The state as a module with the paths of the parameters.
#[derive(Clone, Debug)]
struct Recorded<M> {
    running: RunningImportance,
    module: M,
    /// The paths of the parameters of which the record that is being loaded has state.
    stored: HashSet<String>,
}

impl<M: Module> Recorded<M> {
    fn new(running: RunningImportance, module: &M) -> Self {
        Self {
            running,
            module: module.clone(),
            stored: HashSet::new(),
        }
    }

    /// The parameters whose state is recorded: those that have state, those that may get some, and those that the loaded
    /// record had. A layer may have been frozen after its state was stored.
    fn recorded_ids(&self) -> HashSet<ParamId> {
        let mut ids = consolidated_ids(&self.module, &Policies::default());
        ids.extend(self.running.states.keys());
        ids.extend(&self.running.recorded);
        ids.extend(ids_at(&self.module, &self.stored));
        ids
    }

    /// The numbers of steps, intervals and tasks, `[3]`, on the device of the module.
    fn counts(&self) -> Option<Param<Tensor<1, Int>>> {
        let device = self.module.devices().into_iter().next()?.inner();
        let RunningImportance {
            num_steps,
            num_intervals,
            num_tasks,
            ..
        } = self.running;
        let counts = [num_steps, num_intervals, num_tasks].map(|count| count as i32);
        let counts = Tensor::from_data(counts, (&device, DType::I32));
        Some(Param::initialized(ParamId::new(), counts))
    }
}

impl<M: Module> Module for Recorded<M> {
    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        let mut show = Show {
            measure: self.running.measure,
            states: &self.running.states,
            recorded: self.recorded_ids(),
            visitor,
        };
        visit_parameters(&self.module, &Policies::default(), &mut show);
        if let Some(counts) = self.counts() {
            visitor.visit_under(STATE, |visitor| {
                visitor.visit_under(COUNTS, |it| it.visit_int(&counts));
            });
        }
    }

    fn map<Mapper: ModuleMapper>(mut self, mapper: &mut Mapper) -> Self {
        let recorded = self.recorded_ids();
        let mut map = Map {
            measure: self.running.measure,
            recorded: recorded.clone(),
            before: core::mem::take(&mut self.running.states),
            after: HashMap::new(),
            mapper,
        };
        visit_parameters(&self.module, &Policies::default(), &mut map);
        self.running.states = map.after;
        self.running.recorded = recorded;
        if let Some(counts) = self.counts() {
            let counts = mapper.map_under(STATE, |mapper| {
                mapper.map_under(COUNTS, |it| it.map_int(counts))
            });
            let counts = counts.into_value().into_data();
            let mut counts = counts
                .iter::<i64>()
                .map(|it| usize::try_from(it).unwrap_or(0));
            let mut next = || counts.next().unwrap_or(0);
            self.running.num_steps = next();
            self.running.num_intervals = next();
            self.running.num_tasks = next();
        }
        self
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        self.module.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.to_device(device)
    }

    fn to_device(self, device: &Device) -> Self {
        // The state follows its parameter at the next step.
        Self {
            module: self.module.to_device(device),
            ..self
        }
    }

    fn train(self) -> Self {
        self
    }

    fn valid(&self) -> Self {
        self.clone()
    }

    fn materialize(self) -> Self {
        self
    }
}

/// The state of one parameter, with zeros if it has none.
fn tensors<const D: usize>(
    measure: RunningMeasure,
    state: Option<&State>,
    param: &Param<Tensor<D>>,
) -> Vec<Tensor<D>> {
    let parameter = widened(param.val().inner());
    let tensors = state.and_then(|state| state.tensors(measure, &parameter));
    tensors.unwrap_or_else(|| vec![parameter.zeros_like(); measure.names().len()])
}

/// Shows a visitor the state of each parameter, under the parameter's path.
struct Show<'a, V> {
    measure: RunningMeasure,
    states: &'a HashMap<ParamId, State>,
    recorded: HashSet<ParamId>,
    visitor: &'a mut V,
}

impl<V: ModuleVisitor> ParameterVisitor for Show<'_, V> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let id = param.id;
        if !self.recorded.contains(&id) {
            return;
        }
        let tensors = tensors(self.measure, self.states.get(&id), param).into_iter();
        let named = self.measure.names().iter().zip(tensors);
        self.visitor.visit_under(place.path, |visitor| {
            for (name, tensor) in named {
                visitor.visit_state(name, id, tensor);
            }
        });
    }
}

/// Lets a mapper map the state of each parameter, under the parameter's path.
struct Map<'a, P> {
    measure: RunningMeasure,
    recorded: HashSet<ParamId>,
    before: HashMap<ParamId, State>,
    after: HashMap<ParamId, State>,
    mapper: &'a mut P,
}

impl<P: ModuleMapper> ParameterVisitor for Map<'_, P> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let id = param.id;
        if !self.recorded.contains(&id) {
            return;
        }
        let tensors = tensors(self.measure, self.before.get(&id), param).into_iter();
        let named = self.measure.names().iter().zip(tensors);
        let tensors: Vec<Tensor<D>> = self.mapper.map_under(place.path, |mapper| {
            named
                .map(|(name, tensor)| mapper.map_state(name, id, tensor))
                .collect()
        });
        // A parameter whose state is zero is as one that has not seen a step yet.
        let is_zero = |it: &Tensor<D>| it.clone().max_abs().into_scalar::<f64>() == 0.0;
        if !tensors.iter().all(is_zero) {
            self.after.insert(id, State::new(tensors));
        }
    }
}
