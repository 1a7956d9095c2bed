//! The saved state.
//!
//! Each consolidated parameter has the entries `<path>.precision`, `<path>.anchor` and `<path>.spread`. The
//! number of tasks is at `quadratic_penalty.task`. A parameter without state is recorded as zeros,
//! so that every record of a module has the same entries: with a precision of zero nothing is held back, and
//! the anchor has no effect.

use std::collections::HashSet;

use burn::Tensor;
use burn::backend::Dispatch as B;
use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{DType, Device, Int};

use super::QuadraticPenalty;
use super::pull::{Pulls, QuadraticPull};
use crate::ops::SynapticBackend;
use crate::precision::widened;
use crate::recorded::{MapState, VisitState, explain, paths_with};
use crate::traversal::{ParameterVisitor, Place, consolidated_ids, ids_at, visit_parameters};

impl QuadraticPenalty {
    /// The state for the parameters of `module`, by path. Save it together with the module's own record.
    ///
    /// [`ModuleRecord::save`] writes it to a file, which is either complete or absent.
    pub fn record<M: Module>(&self, module: &M) -> ModuleRecord {
        Recorded::new(self.clone(), module).into_record()
    }

    /// Loads the state from a record, for the parameters that `module` has now. Load the module first. The settings
    /// are kept. With the same settings, training resumes with exactly the same numbers (bit for bit, on a CPU).
    ///
    /// # Errors
    ///
    /// If the record is not of this module: its paths or shapes differ, or parameters are trained here that were frozen
    /// or excluded by policies when it was made.
    pub fn load_record<M: Module>(
        self,
        module: &M,
        record: ModuleRecord,
    ) -> Result<Self, RecordError> {
        let recorded = Recorded {
            stored: paths_with(&record, PRECISION)?,
            ..Recorded::new(self, module)
        };
        let loaded = recorded.try_load_record(record);
        let loaded = loaded.map_err(|error| explain(error, PRECISION))?;
        Ok(loaded.penalty)
    }
}

const STATE: &str = "quadratic_penalty";
const TASK: &str = "task";
const PRECISION: &str = "precision";
const ANCHOR: &str = "anchor";
const SPREAD: &str = "spread";

/// The state as a module with the paths of the parameters.
#[derive(Clone, Debug)]
struct Recorded<M> {
    penalty: QuadraticPenalty,
    module: M,
    /// The paths of the parameters of which the record that is being loaded has state.
    stored: HashSet<String>,
}

impl<M: Module> Recorded<M> {
    fn new(penalty: QuadraticPenalty, module: &M) -> Self {
        let module = module.clone();
        Self {
            penalty,
            module,
            stored: HashSet::new(),
        }
    }

    /// The parameters whose state is recorded: those that have state, those that may get some, and those that the loaded
    /// record had. A layer may have been frozen after its state was stored.
    fn consolidated(&self) -> HashSet<ParamId> {
        let mut ids = consolidated_ids(&self.module, &self.penalty.policies);
        ids.extend(self.penalty.pulls.keys());
        ids.extend(&self.penalty.recorded);
        ids.extend(ids_at(&self.module, &self.stored));
        ids
    }

    /// The number of tasks, `[1]`, on the device of the module.
    fn task(&self) -> Option<Param<Tensor<1, Int>>> {
        let device = self.module.devices().into_iter().next()?.inner();
        let task = [self.penalty.task as i32];
        let task = Tensor::from_data(task, (&device, DType::I32));
        Some(Param::initialized(ParamId::new(), task))
    }
}

impl<M: Module> Module for Recorded<M> {
    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        let mut show = Show {
            pulls: &self.penalty.pulls,
            consolidated: self.consolidated(),
            visitor,
        };
        visit_parameters(&self.module, &self.penalty.policies, &mut show);
        if let Some(task) = self.task() {
            visitor.visit_under(STATE, |visitor| {
                visitor.visit_under(TASK, |it| it.visit_int(&task));
            });
        }
    }

    fn map<Mapper: ModuleMapper>(mut self, mapper: &mut Mapper) -> Self {
        let recorded = self.consolidated();
        let mut map = Map {
            consolidated: recorded.clone(),
            before: core::mem::take(&mut self.penalty.pulls),
            after: Pulls::new(),
            mapper,
        };
        visit_parameters(&self.module, &self.penalty.policies, &mut map);
        self.penalty.pulls = map.after;
        self.penalty.recorded = recorded;
        if let Some(task) = self.task() {
            let task = mapper.map_under(STATE, |mapper| {
                mapper.map_under(TASK, |it| it.map_int(task))
            });
            let task = task.into_value().into_scalar::<i32>();
            self.penalty.task = usize::try_from(task).unwrap_or(0);
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
        Self {
            penalty: self.penalty.to_device(device),
            module: self.module.to_device(device),
            stored: self.stored,
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

/// The state of one parameter, outside autodiff, with zeros for what it does not have.
struct State<const D: usize> {
    precision: Tensor<D>,
    anchor: Tensor<D>,
    spread: Tensor<1>,
}

impl<const D: usize> State<D> {
    fn of(pull: Option<&QuadraticPull<B>>, param: &Param<Tensor<D>>) -> Self {
        let parameter = widened(param.val().inner());
        match pull.and_then(|pull| pull.grown(&parameter)) {
            Some(pull) => Self {
                precision: B::tensor(pull.precision),
                anchor: B::tensor(pull.anchor),
                spread: B::tensor(pull.spread),
            },
            None => {
                let options = (&parameter.device(), parameter.dtype());
                Self {
                    precision: parameter.zeros_like(),
                    anchor: parameter.zeros_like(),
                    spread: Tensor::zeros([1], options),
                }
            }
        }
    }
}

/// Shows a visitor the state of each parameter, under the parameter's path.
struct Show<'a, V> {
    pulls: &'a Pulls<B>,
    consolidated: HashSet<ParamId>,
    visitor: &'a mut V,
}

impl<V: ModuleVisitor> ParameterVisitor for Show<'_, V> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let id = param.id;
        if self.consolidated.contains(&id) {
            let state = State::of(self.pulls.get(&id), param);
            self.visitor.visit_under(place.path, |visitor| {
                visitor.visit_state(PRECISION, id, state.precision);
                visitor.visit_state(ANCHOR, id, state.anchor);
                visitor.visit_state(SPREAD, id, state.spread);
            });
        }
    }
}

/// Lets a mapper map the state of each parameter, under the parameter's path.
struct Map<'a, P> {
    consolidated: HashSet<ParamId>,
    before: Pulls<B>,
    after: Pulls<B>,
    mapper: &'a mut P,
}

impl<P: ModuleMapper> ParameterVisitor for Map<'_, P> {
    fn visit<const D: usize>(&mut self, place: Place<'_>, param: &Param<Tensor<D>>) {
        let id = param.id;
        if !self.consolidated.contains(&id) {
            return;
        }
        let state = State::of(self.before.get(&id), param);
        let state = self.mapper.map_under(place.path, |mapper| State {
            precision: mapper.map_state(PRECISION, id, state.precision),
            anchor: mapper.map_state(ANCHOR, id, state.anchor),
            spread: mapper.map_state(SPREAD, id, state.spread),
        });
        // A precision of zero holds nothing, so no pull is needed.
        if state.precision.clone().max_abs().into_scalar::<f64>() != 0.0 {
            let pull = QuadraticPull {
                path: place.path.to_string(),
                order: place.order,
                precision: B::primitive(state.precision),
                anchor: B::primitive(state.anchor),
                spread: B::primitive(state.spread),
            };
            // A file may store them in another precision.
            self.after
                .extend(pull.grown(&param.val().inner()).map(|pull| (id, pull)));
        }
    }
}
