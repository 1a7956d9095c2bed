use std::any::Any;
use std::collections::HashMap;

use burn::module::{Module, ParamId};
use burn::optim::{GradientsParams, ModuleOptimizer};
use si_core::diagnostics::{Coverage, Diagnostics, EpochReport};
use si_core::{SynapticIntelligence, TaskWarning};

use super::{Stored, Student, burns_own, config, forked, read_scalar, synapses_of};
use crate::life::actions::{Form, Settings};
use crate::life::modules::{Net, device};
use crate::life::plain::{Held, LEARNING_RATE};

#[derive(Clone)]
pub(super) struct Alone {
    module: Net,
    regularizer: SynapticIntelligence,
    optimizer: ModuleOptimizer,
    settings: Settings,
}

impl Alone {
    pub(super) fn new(settings: Settings, module: Net) -> Self {
        Self {
            module,
            regularizer: config(settings).init().expect("the config is valid"),
            optimizer: burns_own(settings),
            settings,
        }
    }
}

impl Student for Alone {
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
        self.regularizer.observe(&self.module);
    }

    fn renew_optimizer(&mut self) {
        self.optimizer = burns_own(self.settings);
    }

    fn penalize_in_vain(&mut self, grads: GradientsParams) -> bool {
        let _ = self.regularizer.penalize(&self.module, grads);
        true
    }

    fn end_task(&mut self, _fisher: &HashMap<ParamId, Vec<f64>>) -> bool {
        let warning = self.regularizer.consolidate(&self.module);
        assert_ne!(warning, Some(TaskWarning::Diverged), "the task's end says");
        warning != Some(TaskWarning::NoStep)
    }

    fn rebind(&mut self) -> bool {
        self.regularizer.rebind(&self.module);
        true
    }

    fn held(&self) -> (HashMap<ParamId, Held>, usize) {
        let held = synapses_of(&self.module, &self.regularizer);
        (held, self.regularizer.synapses().len())
    }

    fn task(&self) -> usize {
        self.regularizer.task()
    }

    fn penalty(&self) -> f64 {
        read_scalar(self.regularizer.penalty(&self.module))
    }

    fn coverage(&self) -> Option<Coverage> {
        Some(self.regularizer.coverage(&self.module))
    }

    fn diagnostics(&self) -> Option<Diagnostics> {
        Some(self.regularizer.diagnostics())
    }

    fn end_epoch(&mut self) -> Option<EpochReport> {
        Some(self.regularizer.end_epoch())
    }

    /// The regularizer has no separate record.
    fn stored(&self, _form: Form) -> Option<Box<dyn Stored>> {
        None
    }

    #[cfg(feature = "safetensors")]
    fn exchanged(&self) -> Option<HashMap<ParamId, Held>> {
        let layout = si_core::safetensors::WeightLayout::PyTorch;
        let bytes = match self.regularizer.to_safetensors(&self.module, layout) {
            Err(si_core::safetensors::SafeTensorsError::NoState) => return Some(HashMap::new()),
            bytes => bytes.expect("it can be written"),
        };
        let mut other = config(self.settings).init().expect("the config is valid");
        let report = other.load_safetensors(&self.module, &bytes, layout);
        report.expect("it fits");
        assert_eq!(other.task(), self.task(), "the task after SafeTensors");
        Some(synapses_of(&self.module, &other))
    }
}
