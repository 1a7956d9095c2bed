//! What a learner's record holds in addition to the module's parameters.
//!
//! Each consolidated parameter has the entries `<path>.anchor`, `<path>.path_integral` and `<path>.importance`,
//! in the parameter's shape, `<path>.penalty_sum`, a number, and `<path>.present`, which says which of the others
//! it really has. The task number and the counters are at `synaptic_intelligence`. State that a parameter does not
//! have yet is recorded as zeros, so that every record has the same entries.

mod kinds;
mod progress;
mod state;
mod stored;

use std::collections::HashSet;

use burn::Tensor;
use burn::backend::Dispatch;
use burn::module::{Devices, Flag, Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Bool, Device, Int};

use crate::ops::SynapticBackend;
use crate::precision::{convert, working};
use crate::recorded::{MapState, VisitState, explain};
use crate::settings::StatePrecision;
use crate::synapse::Synapse;
use crate::synapses::Synapses;
use crate::trained::is_trained;
use crate::traversal::consolidated_ids;

use super::ContinualLearner;
pub(crate) use kinds::other_kind;
pub(crate) use stored::{RecordedSynapse, counters, recorded_synapses};

use progress::Progress;
use state::{Present, State};

/// The backend of a learner's state.
type B = Dispatch;

/// A learner for its record: a module whose traversals include the state.
#[derive(Clone, Debug)]
pub(super) struct Recorded<M>(pub(super) ContinualLearner<M>);

impl<M: Module> Recorded<M> {
    pub(super) fn load(self, record: ModuleRecord) -> Result<ContinualLearner<M>, RecordError> {
        let Self(loaded) = self
            .try_load_record(record)
            .map_err(|error| explain(error, ANCHOR))?;
        // The parameters have the record's ids now, and a policy may select by id.
        loaded
            .regularizer
            .policies
            .warn_of_unmatched(&loaded.module);
        Ok(loaded)
    }

    /// The parameters whose state is recorded: those with synapses, and those that will get some.
    fn consolidated(&self) -> HashSet<ParamId> {
        let regularizer = &self.0.regularizer;
        let mut ids = consolidated_ids(&self.0.module, &regularizer.policies);
        ids.extend(regularizer.synapses.ids());
        ids
    }
}

impl<M: Module> Module for Recorded<M> {
    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        let regularizer = &self.0.regularizer;
        self.0.module.visit(&mut WithState {
            visitor,
            consolidated: self.consolidated(),
            synapses: &regularizer.synapses,
            state_precision: regularizer.config.state_precision,
        });
        if let Some(device) = self.devices().into_iter().next() {
            let progress = Progress::of(regularizer, &device.inner());
            visitor.visit_under(STATE, |visitor| {
                visitor.visit_under(COUNTERS, |it| it.visit_int(&progress.counters));
                visitor.visit_under(LOSS_SUM, |it| it.visit_float(&progress.loss_sum));
            });
        }
    }

    fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
        let consolidated = self.consolidated();
        let ContinualLearner {
            module,
            mut regularizer,
            checkpointing,
        } = self.0;
        let mut with_state = MapWithState {
            mapper,
            consolidated,
            path: Vec::new(),
            order: 0,
            before: core::mem::take(&mut regularizer.synapses),
            after: Synapses::default(),
            state_precision: regularizer.config.state_precision,
        };
        let module = module.map(&mut with_state);
        regularizer.synapses = with_state.after;
        if let Some(device) = module.devices().into_iter().next() {
            let progress = Progress::of(&regularizer, &device.inner());
            let progress = mapper.map_under(STATE, |mapper| Progress {
                counters: mapper.map_under(COUNTERS, |it| it.map_int(progress.counters)),
                loss_sum: mapper.map_under(LOSS_SUM, |it| it.map_float(progress.loss_sum)),
            });
            progress.restore(&mut regularizer);
        }
        Self(ContinualLearner {
            module,
            regularizer,
            checkpointing,
        })
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        self.0.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        Self(self.0.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        Self(self.0.to_device(device))
    }

    fn train(self) -> Self {
        Self(self.0.train())
    }

    fn valid(&self) -> Self {
        Self(self.0.valid())
    }

    fn materialize(self) -> Self {
        Self(self.0.materialize())
    }
}

const STATE: &str = "synaptic_intelligence";
const COUNTERS: &str = "counters";
const LOSS_SUM: &str = "loss_sum";
const PATH_INTEGRAL: &str = "path_integral";
const IMPORTANCE: &str = "importance";
const ANCHOR: &str = "anchor";
const PENALTY_SUM: &str = "penalty_sum";
const PRESENT: &str = "present";

/// Passes everything on to a visitor, and shows it the state of each parameter after the parameter.
struct WithState<'a, V> {
    visitor: &'a mut V,
    consolidated: HashSet<ParamId>,
    synapses: &'a Synapses<B>,
    state_precision: StatePrecision,
}

impl<V: ModuleVisitor> ModuleVisitor for WithState<'_, V> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.visitor.visit_float(param);
        if !self.consolidated.remove(&param.id) {
            return;
        }
        let synapse = self.synapses.get(param.id);
        let state = State::of(synapse, &param.val().inner(), self.state_precision);
        let (visitor, id) = (&mut *self.visitor, param.id);
        visitor.visit_state(ANCHOR, id, state.anchor);
        visitor.visit_state(PATH_INTEGRAL, id, state.path_integral);
        visitor.visit_state(IMPORTANCE, id, state.importance);
        visitor.visit_state(PENALTY_SUM, id, state.penalty_sum);
        let present = Param::initialized(id, state.present);
        visitor.visit_under(PRESENT, |it| it.visit_int(&present));
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.visitor.visit_int(param);
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.visitor.visit_bool(param);
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.visitor.visit_flag(flag);
    }

    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.visitor.enter_module(name, container_type);
    }

    fn exit_module(&mut self, name: &str, container_type: &str) {
        self.visitor.exit_module(name, container_type);
    }
}

/// The parameter in the form that Burn can load.
///
/// A linear layer that is stored by columns has a different shape in a record than in memory. Burn accepts the
/// record's shape only for a parameter that is not initialized yet (burn-core 0.22.1, `module/param/base.rs:648`).
/// Otherwise it refuses the record.
fn loadable<const D: usize>(param: Param<Tensor<D>>) -> Param<Tensor<D>> {
    let stored = param.transform_for_save().lazy_shape();
    if stored == param.lazy_shape() {
        return param;
    }
    let is_trained = is_trained(&param);
    let (id, value, mapper) = param.consume();
    let (device, on_save) = (value.device(), mapper.clone());
    let value = move |_: &Device, _| value.clone();
    Param::uninitialized(id, value, device, is_trained, stored)
        .load_mapper(move |tensor| mapper.on_load(tensor))
        .save_mapper(move |tensor| on_save.on_save(tensor))
}

/// Passes everything on to a mapper, and lets it map the state of each parameter after the parameter.
struct MapWithState<'a, P> {
    mapper: &'a mut P,
    consolidated: HashSet<ParamId>,
    path: Vec<String>,
    /// Number of float parameters and buffers met so far.
    order: usize,
    before: Synapses<B>,
    after: Synapses<B>,
    state_precision: StatePrecision,
}

impl<P: ModuleMapper> ModuleMapper for MapWithState<'_, P> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let order = self.order;
        self.order += 1;
        let before = param.id;
        let param = self.mapper.map_float(loadable(param));
        if !self.consolidated.remove(&before) {
            return param;
        }
        let id = param.id;
        let parameter = param.val().inner();
        let state = State::of(self.before.get(before), &parameter, self.state_precision);
        let mapper = &mut *self.mapper;
        let anchor = mapper.map_state(ANCHOR, id, state.anchor);
        let path_integral = mapper.map_state(PATH_INTEGRAL, id, state.path_integral);
        let importance = mapper.map_state(IMPORTANCE, id, state.importance);
        let penalty_sum = mapper.map_state(PENALTY_SUM, id, state.penalty_sum);
        let present = Param::initialized(id, state.present);
        let present = mapper.map_under(PRESENT, |it| it.map_int(present));
        let present = present.into_value().into_scalar::<i32>();
        let has = |bit: i32| present & bit != 0;
        if has(Present::SYNAPSE) {
            // A file may store them in another precision.
            let computed = |primitive| convert::<B>(primitive, working(parameter.dtype()));
            let hold = |tensor| (self.state_precision).hold::<B>(computed(B::primitive(tensor)));
            let synapse = Synapse {
                order,
                path_integral: has(Present::PATH_INTEGRAL)
                    .then(|| computed(B::primitive(path_integral))),
                importance: has(Present::IMPORTANCE).then(|| hold(importance)),
                penalty_sum: has(Present::PENALTY_SUM).then(|| computed(B::primitive(penalty_sum))),
                ..Synapse::new(self.path.join("."), hold(anchor))
            };
            self.after.insert(id, synapse);
        }
        param
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        self.mapper.map_int(param)
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        self.mapper.map_bool(param)
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.mapper.map_flag(flag)
    }

    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.push(name.to_string());
        self.mapper.enter_module(name, container_type);
    }

    fn exit_module(&mut self, name: &str, container_type: &str) {
        self.path.pop();
        self.mapper.exit_module(name, container_type);
    }
}
