use std::any::Any;
use std::collections::{HashMap, HashSet};

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{GradientsParams, ModuleOptimizer, OptimizerRecord};
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Tensor, TensorData};
use si_core::quadratic::Joining;
use si_core::{
    Checkpoint, ContinualLearner, Importance, QuadraticPenalty, QuadraticPenaltyConfig,
    SynapticIntelligenceConfig,
};

use super::{Stored, Student, burns_own, forked, loaded, policies, read_scalar, written};
use crate::common::values;
use crate::life::actions::{Form, Settings};
use crate::life::modules::{Net, device};
use crate::life::numbers::{self, with_trained};
use crate::life::plain::{DECAY, Held, LEARNING_RATE, STRENGTH};

#[derive(Clone)]
pub(super) struct Elastic {
    module: Net,
    regularizer: QuadraticPenalty,
    optimizer: ModuleOptimizer,
    settings: Settings,
}

impl Elastic {
    pub(super) fn new(settings: Settings, module: Net) -> Self {
        let config = QuadraticPenaltyConfig::ewc(STRENGTH)
            .with_joining(if settings.decays {
                Joining::Latest { decay: DECAY }
            } else {
                Joining::PerTask
            })
            .with_policies(policies(settings));
        Self {
            module,
            regularizer: config.init().expect("the config is valid"),
            optimizer: burns_own(settings),
            settings,
        }
    }
}

impl Student for Elastic {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn module(&self) -> &Net {
        &self.module
    }

    fn change(&mut self, change: &mut dyn FnMut(Net) -> Net) {
        self.module = change(self.module.clone());
    }

    fn valid(&mut self) {
        self.module = self.module.valid();
    }

    fn train(&mut self) {
        self.module = self.module.clone().train();
    }

    fn fork(&mut self) {
        self.module = forked(&self.module);
    }

    fn to_device(&mut self) {
        self.module = self.module.clone().to_device(&device().inner());
        self.regularizer = self.regularizer.clone().to_device(&device().inner());
    }

    fn branch(&self) -> Box<dyn Student> {
        Box::new(self.clone())
    }

    fn step(&mut self, grads: GradientsParams) {
        let module = self.module.clone();
        let grads = self.regularizer.penalize(&module, grads);
        self.module = self.optimizer.step(LEARNING_RATE, module, grads);
    }

    fn renew_optimizer(&mut self) {
        self.optimizer = burns_own(self.settings);
    }

    fn end_task(&mut self, fisher: &HashMap<ParamId, Vec<f64>>) -> bool {
        struct Measured<'a>(&'a HashMap<ParamId, Vec<f64>>, Importance);
        impl ModuleVisitor for Measured<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                // A tied parameter is visited twice.
                let known = self.1.get::<D>(param.id).is_some();
                let Some(values) = self.0.get(&param.id).filter(|_| !known) else {
                    return;
                };
                let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
                let data = TensorData::new(values, param.val().shape());
                let information = Tensor::<D>::from_data(data, &device().inner());
                self.1.add(param.id, information);
            }
        }
        let mut measured = Measured(fisher, Importance::default());
        self.module.visit(&mut measured);
        let _ = self.regularizer.consolidate(&self.module, &measured.1);
        true
    }

    fn rebind(&mut self) -> bool {
        self.regularizer.rebind(&self.module);
        true
    }

    fn held(&self) -> (HashMap<ParamId, Held>, usize) {
        struct Read<'a>(&'a QuadraticPenalty, HashMap<ParamId, Held>);
        impl ModuleVisitor for Read<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                if let Some(pull) = self.0.pull(param.id) {
                    let held = Held {
                        path: pull.path().to_string(),
                        shape: pull.shape().to_vec(),
                        anchor: values::<D>(pull.anchor()),
                        path_integral: None,
                        importance: Some(values::<D>(pull.precision())),
                        spread: 0.0,
                    };
                    self.1.insert(param.id, held);
                }
            }
        }
        let mut state = Read(&self.regularizer, HashMap::new());
        self.module.visit(&mut state);
        (state.1, self.regularizer.pulls().len())
    }

    fn task(&self) -> usize {
        self.regularizer.task()
    }

    fn penalty(&self) -> f64 {
        read_scalar(self.regularizer.penalty(&self.module))
    }

    fn stored(&self, form: Form) -> Option<Box<dyn Stored>> {
        if form == Form::Checkpoint {
            let learner = unconsolidated(self.module.clone());
            let record = self.regularizer.record(&self.module);
            let checkpoint = Checkpoint::new(&learner, &self.optimizer, &7_u64)
                .and_then(|checkpoint| checkpoint.with_record(RECORD, record));
            return Some(Box::new(AsCheckpoint {
                bytes: checkpoint.expect("it is complete").to_bytes(),
                trained: trained(&self.module),
                settings: self.settings,
            }));
        }
        let record = self.regularizer.record(&self.module).into_bytes();
        let optimizer = self.optimizer.to_record().into_bytes();
        Some(Box::new(AsRecords {
            module: written(&self.module),
            record: record.expect("it can be written").to_vec(),
            optimizer: optimizer.expect("it can be written").to_vec(),
            settings: self.settings,
        }))
    }
}

/// A learner without Synaptic Intelligence: a checkpoint takes one, and the other method's state as a record.
fn unconsolidated(module: Net) -> ContinualLearner<Net> {
    let config = SynapticIntelligenceConfig::new().with_strength(0.0);
    ContinualLearner::new(module, &config).expect("the config is valid")
}

/// The paths of the parameters that training mode trains.
fn trained(module: &Net) -> HashSet<String> {
    let parameters = numbers::parameters(module, module.is_training()).into_iter();
    let trained = parameters.filter(|it| it.is_trained);
    trained.map(|it| it.path).collect()
}

/// The name of the method's record in a checkpoint.
const RECORD: &str = "elastic";

struct AsCheckpoint {
    bytes: Vec<u8>,
    /// The paths of the parameters that were trained when it was stored.
    trained: HashSet<String>,
    settings: Settings,
}

impl Stored for AsCheckpoint {
    fn load(&self, fresh: Net) -> Result<Box<dyn Student>, String> {
        let ids = numbers::parameters(&fresh, true).into_iter();
        let ids = ids.filter(|it| self.trained.contains(&it.path));
        let ids: HashSet<_> = ids.map(|it| it.id).collect();
        let fresh = Elastic::new(self.settings, with_trained(fresh, |id| ids.contains(&id)));
        let checkpoint = Checkpoint::from_bytes(&self.bytes).expect("it can be read");
        let restored = checkpoint.restore(unconsolidated(fresh.module.clone()), fresh.optimizer);
        let (learner, optimizer) = restored.map_err(|error| error.to_string())?;
        let module = learner.into_inner();
        let regularizer = checkpoint.restore_penalty(RECORD, fresh.regularizer, &module);
        Ok(Box::new(Elastic {
            regularizer: regularizer.map_err(|error| error.to_string())?,
            module,
            optimizer,
            settings: self.settings,
        }))
    }
}

struct AsRecords {
    module: Vec<u8>,
    record: Vec<u8>,
    optimizer: Vec<u8>,
    settings: Settings,
}

impl Stored for AsRecords {
    fn load(&self, fresh: Net) -> Result<Box<dyn Student>, String> {
        let fresh = Elastic::new(self.settings, loaded(fresh, &self.module)?);
        let bytes = |bytes: &Vec<u8>| Bytes::from_bytes_vec(bytes.clone());
        let record = ModuleRecord::from_bytes(bytes(&self.record)).expect("it can be read");
        let regularizer = fresh.regularizer.load_record(&fresh.module, record);
        let optimizer = OptimizerRecord::from_bytes(bytes(&self.optimizer));
        let optimizer = optimizer.expect("it can be read");
        Ok(Box::new(Elastic {
            regularizer: regularizer.map_err(|error| error.to_string())?,
            optimizer: fresh.optimizer.load_record(optimizer),
            ..fresh
        }))
    }
}
