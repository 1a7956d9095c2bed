//! The ways of plugging the method in, all with the same few calls.

mod adaptor;
mod alone;
mod elastic;
mod learner;

use std::any::Any;
use std::collections::HashMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{
    AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig, momentum::MomentumConfig,
};
use burn::store::ModuleRecord;
use burn::tensor::{Device, Tensor};
use si_core::diagnostics::{Coverage, Diagnostics, EpochReport};
use si_core::settings::{Accumulation, FirstTaskStart, NegativeImportance};
use si_core::{
    ParameterPolicy, SynapticIntelligence, SynapticIntelligenceConfig, SynapticOptimizer,
};

use crate::common::values;
use crate::life::actions::{Form, Optimizer, Settings, Way};
use crate::life::modules::{Net, device};
use crate::life::plain::{DAMPING, DECAY, Held, STRENGTH};

/// A module that learns under the method.
pub(crate) trait Student {
    fn as_any(&self) -> &dyn Any;
    fn module(&self) -> &Net;
    /// Changes the module, as users do.
    fn change(&mut self, change: &mut dyn FnMut(Net) -> Net);
    /// Switches to validation mode, through the wrapper if there is one.
    fn valid(&mut self);
    fn train(&mut self);
    fn fork(&mut self);
    fn to_device(&mut self);
    fn branch(&self) -> Box<dyn Student>;
    fn step(&mut self, grads: GradientsParams);
    /// Replaces the optimizer by one without state, after the precision of parameters has changed.
    fn renew_optimizer(&mut self);
    /// Adds the penalty to gradients that are discarded. Returns whether there is a separate call for that.
    fn penalize_in_vain(&mut self, _grads: GradientsParams) -> bool {
        false
    }
    /// Ends a task. Returns whether there was one to end.
    fn end_task(&mut self, fisher: &HashMap<ParamId, Vec<f64>>) -> bool;
    /// Rebinds the state. Returns whether there is such a call.
    fn rebind(&mut self) -> bool;
    /// The state of each parameter of the module, and the number of parameters with state, including removed ones.
    fn held(&self) -> (HashMap<ParamId, Held>, usize);
    fn task(&self) -> usize;
    fn penalty(&self) -> f64;
    fn coverage(&self) -> Option<Coverage> {
        None
    }
    fn diagnostics(&self) -> Option<Diagnostics> {
        None
    }
    fn end_epoch(&mut self) -> Option<EpochReport> {
        None
    }
    /// The training, stored in that form. `None` if the form does not exist.
    fn stored(&self, form: Form) -> Option<Box<dyn Stored>>;
    /// The state of a fresh learner of the same module that has loaded SafeTensors.
    fn exchanged(&self) -> Option<HashMap<ParamId, Held>> {
        None
    }
}

/// A stored training, in a file or in memory.
pub(crate) trait Stored {
    fn load(&self, fresh: Net) -> Result<Box<dyn Student>, String>;
    /// Loads it into a student that has continued to train.
    fn load_over(&self, _student: &dyn Student) -> Option<Result<Box<dyn Student>, String>> {
        None
    }
}

pub(crate) fn student(way: Way, settings: Settings, module: Net) -> Box<dyn Student> {
    match way {
        Way::Learner => Box::new(learner::Learner::new(settings, false, module)),
        Way::LearnerInOnePass => Box::new(learner::Learner::new(settings, true, module)),
        Way::Alone => Box::new(alone::Alone::new(settings, module)),
        Way::Adaptor => Box::new(adaptor::Adaptor::new(settings, module)),
        Way::Elastic => Box::new(elastic::Elastic::new(settings, module)),
    }
}

fn momentum(settings: Settings) -> Option<MomentumConfig> {
    (settings.optimizer == Optimizer::Momentum).then(MomentumConfig::new)
}

/// In Burn's optimizer for a module.
fn burns_own(settings: Settings) -> ModuleOptimizer {
    match settings.optimizer {
        Optimizer::Adam => AdamConfig::new().init(),
        _ => SgdConfig::new().with_momentum(momentum(settings)).init(),
    }
}

/// The same in ours.
fn separate_passes(settings: Settings) -> SynapticOptimizer {
    match settings.optimizer {
        Optimizer::Adam => AdamConfig::new().build().into(),
        _ => SgdConfig::new()
            .with_momentum(momentum(settings))
            .build()
            .into(),
    }
}

fn policies(settings: Settings) -> Vec<ParameterPolicy> {
    if settings.excludes_biases {
        vec![ParameterPolicy::path("*bias").exclude()]
    } else {
        Vec::new()
    }
}

fn config(settings: Settings) -> SynapticIntelligenceConfig {
    SynapticIntelligenceConfig::new()
        .with_strength(STRENGTH)
        .with_damping(DAMPING)
        .with_negative_importance(if settings.keeps_negatives {
            NegativeImportance::Keep
        } else {
            NegativeImportance::ReluOnSum
        })
        .with_accumulation(if settings.decays {
            Accumulation::MovingAverage { decay: DECAY }
        } else {
            Accumulation::Sum
        })
        .with_first_task_start(if settings.starts_from_zero {
            FirstTaskStart::Zero
        } else {
            FirstTaskStart::InitialParameters
        })
        .with_policies(policies(settings))
}

/// The state of the parameters of `module`.
fn synapses_of(module: &Net, regularizer: &SynapticIntelligence) -> HashMap<ParamId, Held> {
    struct Read<'a>(&'a SynapticIntelligence, HashMap<ParamId, Held>);
    impl ModuleVisitor for Read<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(synapse) = self.0.synapse(param.id) {
                let held = Held {
                    path: synapse.path().to_string(),
                    shape: synapse.shape().to_vec(),
                    anchor: values::<D>(synapse.anchor()),
                    path_integral: synapse.path_integral().map(values::<D>),
                    importance: synapse.importance().map(values::<D>),
                    spread: 0.0,
                };
                self.1.insert(param.id, held);
            }
        }
    }
    let mut state = Read(regularizer, HashMap::new());
    module.visit(&mut state);
    state.1
}

fn read_scalar(tensor: Tensor<1>) -> f64 {
    tensor.into_data().iter::<f64>().sum()
}

/// Loads a module's own record into `fresh`.
fn loaded(fresh: Net, bytes: &[u8]) -> Result<Net, String> {
    let record = ModuleRecord::from_bytes(burn::tensor::Bytes::from_bytes_vec(bytes.to_vec()));
    let record = record.map_err(|error| error.to_string())?;
    let loaded = fresh.try_load_record(record);
    loaded.map_err(|error| error.to_string())
}

fn written(module: &Net) -> Vec<u8> {
    let bytes = module.clone().into_record().into_bytes();
    bytes.expect("it can be written").to_vec()
}

fn forked(module: &Net) -> Net {
    module.clone().fork(&autodiff_device(module))
}

/// The device of `module`, with autodiff.
fn autodiff_device(module: &Net) -> Device {
    if module.is_training() {
        module.device()
    } else {
        device()
    }
}
