use std::any::Any;
use std::collections::HashMap;

use burn::module::{Module, ParamId};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::Bytes;
use si_core::optim::{Synaptic, TaskControl};
use si_core::{SynapticIntelligence, SynapticIntelligenceConfig, TaskWarning};

use super::{Stored, Student, config, forked, loaded, momentum, read_scalar, synapses_of, written};
use crate::life::actions::{Form, Optimizer, Settings};
use crate::life::modules::{Net, device};
use crate::life::plain::{Held, LEARNING_RATE};

#[derive(Clone)]
pub(super) struct Adaptor {
    module: Net,
    optimizer: ModuleOptimizer,
    tasks: TaskControl,
    settings: Settings,
}

impl Adaptor {
    pub(super) fn new(settings: Settings, module: Net) -> Self {
        let tasks = TaskControl::new();
        let config = Self::config(settings);
        let optimizer = match settings.optimizer {
            Optimizer::Adam => {
                Synaptic::new(AdamConfig::new().build(), &config, &tasks).map(ModuleOptimizer::from)
            }
            _ => {
                let sgd = SgdConfig::new().with_momentum(momentum(settings)).build();
                Synaptic::new(sgd, &config, &tasks).map(ModuleOptimizer::from)
            }
        };
        Self {
            module,
            optimizer: optimizer.expect("the config is valid"),
            tasks,
            settings,
        }
    }

    /// The module, after consolidating in `optimizer` what was due. Burn's optimizers do not step in validation
    /// mode.
    fn consolidated(&self, optimizer: &mut ModuleOptimizer) -> Net {
        let module = self.module.clone();
        if module.is_training() {
            return self.tasks.consolidate(optimizer, module);
        }
        self.tasks.consolidate(optimizer, module.clone().train());
        module
    }

    fn config(settings: Settings) -> SynapticIntelligenceConfig {
        config(settings).with_policies(Vec::new())
    }

    /// Consolidates a copy, so that the original still has it due in its next step.
    fn regularizer(&self) -> SynapticIntelligence {
        let mut optimizer = self.optimizer.clone();
        let module = self.consolidated(&mut optimizer);
        let config = Self::config(self.settings);
        let regularizer = self.tasks.regularizer(&optimizer, &module, &config);
        regularizer.expect("the config is valid")
    }
}

impl Student for Adaptor {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn module(&self) -> &Net {
        &self.module
    }

    /// As the documentation says, consolidates what is due before the loop changes parameters.
    fn change(&mut self, change: &mut dyn FnMut(Net) -> Net) {
        let mut optimizer = self.optimizer.clone();
        self.module = change(self.consolidated(&mut optimizer));
        self.optimizer = optimizer;
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
    }

    fn branch(&self) -> Box<dyn Student> {
        Box::new(self.clone())
    }

    fn step(&mut self, grads: GradientsParams) {
        let module = self.module.clone();
        self.module = self.optimizer.step(LEARNING_RATE, module, grads);
    }

    fn renew_optimizer(&mut self) {
        unreachable!("its state is the synapses");
    }

    fn end_task(&mut self, _fisher: &HashMap<ParamId, Vec<f64>>) -> bool {
        self.tasks.end_task() != Some(TaskWarning::NoStep)
    }

    fn rebind(&mut self) -> bool {
        false
    }

    fn held(&self) -> (HashMap<ParamId, Held>, usize) {
        let held = synapses_of(&self.module, &self.regularizer());
        let number = held.len();
        (held, number)
    }

    fn task(&self) -> usize {
        self.tasks.task()
    }

    fn penalty(&self) -> f64 {
        read_scalar(self.regularizer().penalty(&self.module))
    }

    fn stored(&self, form: Form) -> Option<Box<dyn Stored>> {
        let bytes = match form {
            Form::Checkpoint => return None,
            Form::File => {
                let folder = tempfile::tempdir().expect("a folder can be made");
                let path = folder.path().join("optimizer.bpk");
                self.optimizer.save(&path).expect("it can be written");
                std::fs::read(&path).expect("it can be read")
            }
            Form::Record | Form::Bytes => {
                let bytes = self.optimizer.into_bytes();
                bytes.expect("it can be written").to_vec()
            }
        };
        Some(Box::new(AsRecords {
            module: written(&self.module),
            optimizer: bytes,
            task: self.task(),
            settings: self.settings,
        }))
    }
}

struct AsRecords {
    module: Vec<u8>,
    optimizer: Vec<u8>,
    task: usize,
    settings: Settings,
}

impl Stored for AsRecords {
    fn load(&self, fresh: Net) -> Result<Box<dyn Student>, String> {
        let fresh = Adaptor::new(self.settings, loaded(fresh, &self.module)?);
        let bytes = Bytes::from_bytes_vec(self.optimizer.clone());
        let optimizer = fresh.optimizer.from_bytes(bytes);
        let optimizer = optimizer.map_err(|error| error.to_string())?;
        match fresh.tasks.resume(&optimizer) {
            // Before the first step there is nothing to resume.
            Err(si_core::Error::NoSynapses) => assert_eq!(self.task, 0),
            task => assert_eq!(task.ok(), Some(self.task), "the task resumed"),
        }
        Ok(Box::new(Adaptor { optimizer, ..fresh }))
    }
}
