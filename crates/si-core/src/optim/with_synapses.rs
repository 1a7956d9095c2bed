use std::collections::HashMap;

use burn::Tensor;
use burn::backend::Dispatch;
use burn::module::{Devices, Flag, Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Bool, Device, Int};

use super::update_slot::{self, UpdateInput};
use crate::SynapticIntelligence;
use crate::ops::SynapticUpdate;
use crate::settings::PathGradient;
use crate::synapse::Synapses;

/// A module that an optimizer updates. Each parameter is passed on together with its synapses.
#[derive(Clone, Debug)]
pub(super) struct WithSynapses<M> {
    module: M,
    synapses: Synapses<Dispatch>,
    /// The consolidated parameters in the step, each with the factor of its penalty.
    in_step: HashMap<ParamId, f64>,
    bound: f64,
    path_gradient: PathGradient,
}

impl<M: Module> WithSynapses<M> {
    pub(super) fn new(
        module: M,
        grads: &GradientsParams,
        regularizer: &mut SynapticIntelligence,
    ) -> Self {
        let in_step = regularizer.begin_step(&module, grads);
        Self {
            module,
            synapses: core::mem::take(&mut regularizer.synapses),
            in_step,
            bound: regularizer.config.importance_bound.unwrap_or(f64::INFINITY),
            path_gradient: regularizer.config.path_gradient,
        }
    }

    /// Returns the module after the step, and gives the synapses back to their regularizer.
    pub(super) fn return_to(self, regularizer: &mut SynapticIntelligence) -> M {
        regularizer.synapses = self.synapses;
        self.module
    }
}

impl<M: Module> Module for WithSynapses<M> {
    fn map<Mapper: ModuleMapper>(mut self, mapper: &mut Mapper) -> Self {
        self.module = self.module.map(&mut MapWithSynapses {
            optimizer: mapper,
            synapses: &mut self.synapses,
            in_step: &mut self.in_step,
            bound: self.bound,
            path_gradient: self.path_gradient,
        });
        self
    }

    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        self.module.visit(visitor);
    }

    fn collect_devices(&self, devices: Devices) -> Devices {
        self.module.collect_devices(devices)
    }

    fn fork(mut self, device: &Device) -> Self {
        self.module = self.module.fork(device);
        self
    }

    fn to_device(mut self, device: &Device) -> Self {
        self.module = self.module.to_device(device);
        self
    }

    fn train(mut self) -> Self {
        self.module = self.module.train();
        self
    }

    fn valid(&self) -> Self {
        Self {
            module: self.module.valid(),
            ..self.clone()
        }
    }

    fn materialize(mut self) -> Self {
        self.module = self.module.materialize();
        self
    }
}

/// Makes the optimizer update each parameter while the parameter's synapses are in the slot.
struct MapWithSynapses<'a, O> {
    optimizer: &'a mut O,
    synapses: &'a mut Synapses<Dispatch>,
    in_step: &'a mut HashMap<ParamId, f64>,
    bound: f64,
    path_gradient: PathGradient,
}

impl<O: ModuleMapper> ModuleMapper for MapWithSynapses<'_, O> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.optimizer.enter_module(name, container_type);
    }

    fn exit_module(&mut self, name: &str, container_type: &str) {
        self.optimizer.exit_module(name, container_type);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // Only the first time, like the optimizer's update: a parameter may occur in several places.
        let in_step = self.in_step.remove(&param.id).and_then(|scale| {
            let synapse = self.synapses.get_mut(param.id)?;
            Some((scale, synapse.path_integral.take()?, synapse))
        });
        let Some((scale, path_integral, synapse)) = in_step else {
            return self.optimizer.map_float(param);
        };
        let importance = synapse.importance.clone().filter(|_| scale > 0.0);
        let is_held = importance.is_some();
        let input = UpdateInput {
            path_integral,
            importance: importance.unwrap_or_else(|| synapse.anchor.clone()),
            anchor: synapse.anchor.clone(),
            update: SynapticUpdate {
                scale: if is_held { scale } else { 0.0 },
                bound: self.bound,
                path_gradient: self.path_gradient,
            },
        };
        let (param, output) = update_slot::with_input(input, || self.optimizer.map_float(param));
        synapse.path_integral = Some(output.path_integral);
        if is_held {
            synapse.add_penalty(output.penalty);
        }
        param
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.optimizer.map_flag(flag)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        self.optimizer.map_int(param)
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        self.optimizer.map_bool(param)
    }
}
