use std::any::Any;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use burn::module::{Module, ParamId};
use burn::optim::GradientsParams;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use si_core::checkpoint::Inspection;
use si_core::diagnostics::{Coverage, Diagnostics, EpochReport};
use si_core::{
    Checkpoint, ContinualLearner, SynapticAdamConfig, SynapticOptimizer, SynapticSgdConfig,
    TaskWarning,
};
use tempfile::TempDir;

use super::{
    Stored, Student, autodiff_device, config, momentum, read_scalar, separate_passes, synapses_of,
};
use crate::life::actions::{Form, Optimizer, Settings};
use crate::life::modules::{Net, device};
use crate::life::numbers;
use crate::life::plain::{Held, LEARNING_RATE};

#[derive(Clone)]
pub(super) struct Learner {
    learner: ContinualLearner<Net>,
    optimizer: SynapticOptimizer,
    settings: Settings,
    in_one_pass: bool,
    /// The folder of the file it was loaded from: Burn reads from the file only when a tensor is needed.
    _file: Option<Arc<TempDir>>,
}

impl Learner {
    pub(super) fn new(settings: Settings, in_one_pass: bool, module: Net) -> Self {
        let learner = ContinualLearner::new(module, &config(settings));
        let optimizer = match (in_one_pass, settings.optimizer) {
            (false, _) => separate_passes(settings),
            (true, Optimizer::Adam) => SynapticAdamConfig::new().init(),
            (true, _) => SynapticSgdConfig::new()
                .with_momentum(momentum(settings))
                .init(),
        };
        Self {
            learner: learner.expect("the config is valid"),
            optimizer,
            settings,
            in_one_pass,
            _file: None,
        }
    }

    fn with(&self, learner: ContinualLearner<Net>) -> Self {
        Self {
            learner,
            ..self.clone()
        }
    }

    fn fresh(&self, module: Net) -> Self {
        Self::new(self.settings, self.in_one_pass, module)
    }

    /// A file with the learner shows the learner's state without the module.
    fn check_inspection(&self, path: &Path) {
        let inspection = Inspection::read(path).expect("it can be inspected");
        assert_eq!(inspection.task, self.task(), "the task in the file");
        let held = synapses_of(&self.learner, self.learner.regularizer());
        for parameter in numbers::parameters(&self.learner, self.learner.is_training()) {
            let mut stored = inspection.parameters.iter();
            let stored = stored.find(|it| it.path() == parameter.path);
            let found = stored.map_or((None, None, None), |it| {
                (it.anchor(), it.path_integral(), it.importance())
            });
            let expected = held.get(&parameter.id).map_or((None, None, None), |it| {
                let (path_integral, importance) = (&it.path_integral, &it.importance);
                (
                    Some(it.anchor.clone()),
                    path_integral.clone(),
                    importance.clone(),
                )
            });
            assert_eq!(found, expected, "{} in the file", parameter.path);
        }
    }
}

impl Student for Learner {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn module(&self) -> &Net {
        &self.learner
    }

    fn change(&mut self, change: &mut dyn FnMut(Net) -> Net) {
        *self.learner = change((*self.learner).clone());
    }

    fn valid(&mut self) {
        self.learner = self.learner.valid();
    }

    fn train(&mut self) {
        self.learner = self.learner.clone().train();
    }

    fn fork(&mut self) {
        self.learner = self.learner.clone().fork(&autodiff_device(&self.learner));
    }

    fn to_device(&mut self) {
        self.learner = self.learner.clone().to_device(&device().inner());
    }

    fn branch(&self) -> Box<dyn Student> {
        Box::new(self.clone())
    }

    fn step(&mut self, grads: GradientsParams) {
        let learner = self.learner.clone();
        self.learner = learner.optimize(&mut self.optimizer, LEARNING_RATE, grads);
    }

    fn renew_optimizer(&mut self) {
        self.optimizer = self.fresh((*self.learner).clone()).optimizer;
    }

    fn end_task(&mut self, _fisher: &HashMap<ParamId, Vec<f64>>) -> bool {
        let warning = self.learner.end_task();
        assert_ne!(warning, Some(TaskWarning::Diverged), "the task's end says");
        warning != Some(TaskWarning::NoStep)
    }

    fn rebind(&mut self) -> bool {
        self.learner.rebind();
        true
    }

    fn held(&self) -> (HashMap<ParamId, Held>, usize) {
        let regularizer = self.learner.regularizer();
        let held = synapses_of(&self.learner, regularizer);
        (held, regularizer.synapses().len())
    }

    fn task(&self) -> usize {
        self.learner.regularizer().task()
    }

    fn penalty(&self) -> f64 {
        read_scalar(self.learner.regularizer().penalty(&*self.learner))
    }

    fn coverage(&self) -> Option<Coverage> {
        Some(self.learner.coverage())
    }

    fn diagnostics(&self) -> Option<Diagnostics> {
        Some(self.learner.diagnostics())
    }

    fn end_epoch(&mut self) -> Option<EpochReport> {
        Some(self.learner.end_epoch())
    }

    fn stored(&self, form: Form) -> Option<Box<dyn Stored>> {
        if form == Form::Checkpoint {
            let checkpoint = Checkpoint::new(&self.learner, &self.optimizer, &7_u64);
            let bytes = checkpoint.expect("it is complete").to_bytes();
            let folder = tempfile::tempdir().expect("there is a place for files");
            let path = folder.path().join("training.ckpt");
            std::fs::write(&path, &bytes).expect("it can be written");
            self.check_inspection(&path);
            let stored = AsCheckpoint {
                bytes,
                original: self.clone(),
            };
            return Some(Box::new(stored));
        }
        let optimizer = self.optimizer.to_record().into_bytes();
        let record = match form {
            Form::File => {
                let folder = tempfile::tempdir().expect("a folder can be made");
                let path = folder.path().join("learner.bpk");
                let saved = self.learner.clone().save_file(&path);
                saved.expect("it can be written");
                self.check_inspection(&path);
                std::fs::read(&path).expect("it can be read")
            }
            _ => {
                let bytes = self.learner.clone().into_record().into_bytes();
                bytes.expect("it can be written").to_vec()
            }
        };
        Some(Box::new(AsRecord {
            form,
            record,
            optimizer: optimizer.expect("it can be written").to_vec(),
            original: self.clone(),
        }))
    }

    #[cfg(feature = "safetensors")]
    fn exchanged(&self) -> Option<HashMap<ParamId, Held>> {
        let layout = si_core::safetensors::WeightLayout::Burn;
        let bytes = match self.learner.to_safetensors(layout) {
            Err(si_core::safetensors::SafeTensorsError::NoState) => return Some(HashMap::new()),
            bytes => bytes.expect("it can be written"),
        };
        let mut other = self.fresh((*self.learner).clone()).learner;
        let report = other.load_safetensors(&bytes, layout);
        report.expect("it fits");
        assert_eq!(
            other.regularizer().task(),
            self.task(),
            "the task after SafeTensors"
        );
        Some(synapses_of(&other, other.regularizer()))
    }
}

struct AsCheckpoint {
    bytes: Vec<u8>,
    /// The learner when it was stored.
    original: Learner,
}

impl AsCheckpoint {
    fn restored(&self, learner: ContinualLearner<Net>) -> Result<Box<dyn Student>, String> {
        let fresh = self.original.fresh((*learner).clone());
        let checkpoint = Checkpoint::from_bytes(&self.bytes).expect("it can be read");
        let restored = checkpoint.restore(learner, fresh.optimizer);
        let (learner, optimizer) = restored.map_err(|error| error.to_string())?;
        let restored = Learner {
            optimizer,
            ..self.original.with(learner)
        };
        Ok(Box::new(restored))
    }
}

impl Stored for AsCheckpoint {
    fn load(&self, fresh: Net) -> Result<Box<dyn Student>, String> {
        self.restored(self.original.fresh(fresh).learner)
    }

    fn load_over(&self, student: &dyn Student) -> Option<Result<Box<dyn Student>, String>> {
        let used = student.as_any().downcast_ref::<Learner>()?;
        Some(self.restored(used.learner.clone()))
    }
}

struct AsRecord {
    form: Form,
    record: Vec<u8>,
    optimizer: Vec<u8>,
    original: Learner,
}

impl Stored for AsRecord {
    fn load(&self, fresh: Net) -> Result<Box<dyn Student>, String> {
        let fresh = self.original.fresh(fresh);
        let folder = tempfile::tempdir().expect("a folder can be made");
        let learner = match self.form {
            Form::File => {
                let path = folder.path().join("learner.bpk");
                std::fs::write(&path, &self.record).expect("it can be written");
                fresh.learner.try_load_file(&path)
            }
            _ => {
                let bytes = Bytes::from_bytes_vec(self.record.clone());
                let record = ModuleRecord::from_bytes(bytes).expect("it can be read");
                fresh.learner.try_load_record(record)
            }
        };
        let learner = learner.map_err(|error| error.to_string())?;
        let bytes = Bytes::from_bytes_vec(self.optimizer.clone());
        let optimizer = burn::optim::OptimizerRecord::from_bytes(bytes);
        let optimizer = optimizer.expect("it can be read");
        let loaded = Learner {
            optimizer: fresh.optimizer.load_record(optimizer),
            _file: Some(Arc::new(folder)),
            ..self.original.with(learner)
        };
        Ok(Box::new(loaded))
    }
}
