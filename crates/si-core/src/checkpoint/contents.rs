use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use burn::module::Module;
use burn::optim::OptimizerRecord;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Bytes;
use log::warn;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::format::{LEARNER, OPTIMIZER, PROGRESS, Section, Stored};
use super::{CheckpointError, CheckpointHeader, CheckpointSource};
use crate::importance::RunningImportance;
use crate::learner::{counters, other_kind};
use crate::pack::Pack;
use crate::replace::replace;
use crate::{ContinualLearner, ContinualOptimizer, QuadraticPenalty, SynapticIntelligenceConfig};

/// Everything that training needs to resume with exactly the same numbers (bit for bit on a CPU; a GPU may round
/// differently each time): the learner, its optimizer, additional records if there are any, and the progress of the
/// training.
///
/// Every byte of a file is checked before any of it is used. A file is first written under another name and
/// moved to its path once it is safe on the disk, so neither a crash nor a full disk destroys the previous file.
///
/// The progress is yours: any type that serde writes and reads, and its numbers are kept exactly. Put everything
/// else that affects reproducibility there, such as the seeds for shuffling and dropout: a backend's random
/// generator cannot be saved. Settings are not restored; the learner and optimizer you pass in keep theirs.
///
/// ```
/// # use burn::{nn::LinearConfig, optim::AdamConfig, tensor::Device};
/// # use serde::{Deserialize, Serialize};
/// # use si_core::{Checkpoint, ContinualLearner, SynapticIntelligenceConfig};
/// #[derive(Serialize, Deserialize)]
/// struct Progress { task: usize, epoch: usize }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("training.ckpt");
/// # let device = Device::flex().autodiff();
/// # let new_learner = || {
/// #     ContinualLearner::new(LinearConfig::new(2, 1).init(&device), &SynapticIntelligenceConfig::new())
/// # };
/// # let learner = new_learner()?;
/// # let optimizer = AdamConfig::new().init();
/// Checkpoint::new(&learner, &optimizer, &Progress { task: 1, epoch: 4 })?.save(&path)?;
///
/// // … and in another process:
/// let checkpoint = Checkpoint::load(&path)?;
/// let Progress { task, epoch } = checkpoint.progress()?;
/// # assert_eq!((task, epoch), (1, 4));
/// let (learner, optimizer) = checkpoint.restore(new_learner()?, AdamConfig::new().init())?;
/// # Ok(())
/// # }
/// ```
///
/// [`CheckpointFolder`](crate::CheckpointFolder) keeps several checkpoints and falls back to an earlier one if the
/// newest is damaged.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    origin: CheckpointSource,
    stored: Stored,
}

/// The prefix of the section names of additional records.
const RECORD: &str = "record/";

impl Checkpoint {
    /// Copies the state of training, between two steps. Waits for the device.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Content`] if `progress` or a record cannot be written.
    pub fn new<M: Module>(
        learner: &ContinualLearner<M>,
        optimizer: &impl ContinualOptimizer,
        progress: &impl Serialize,
    ) -> Result<Self, CheckpointError> {
        let mut written = Vec::new();
        ciborium::into_writer(progress, &mut written)
            .map_err(|error| CheckpointError::content(PROGRESS, &error))?;
        let learner_record = learner.clone().into_record().into_bytes();
        let optimizer_record = optimizer.to_record().into_bytes();
        let header = CheckpointHeader::of(learner.regularizer());
        let sections = [
            (PROGRESS, Ok(Bytes::from_bytes_vec(written))),
            (LEARNER, learner_record),
            (OPTIMIZER, optimizer_record),
        ];
        let section =
            |(name, bytes): (&str, Result<Bytes, RecordError>)| section(name, name, bytes);
        Ok(Self {
            origin: CheckpointSource::Memory,
            stored: Stored {
                header,
                sections: sections
                    .into_iter()
                    .map(section)
                    .collect::<Result<_, _>>()?,
            },
        })
    }

    /// Adds another record under a name, such as that of [`QuadraticPenalty`]. Replaces a record with the
    /// same name.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Content`] if Burn cannot write the record.
    pub fn with_record(
        mut self,
        name: &str,
        record: ModuleRecord,
    ) -> Result<Self, CheckpointError> {
        let added = section(&format!("{RECORD}{name}"), name, record.into_bytes())?;
        let sections = &mut self.stored.sections;
        sections.retain(|section| section.name != added.name);
        sections.push(added);
        Ok(self)
    }

    /// Writes it to a file, and returns once it is safe on the disk. An existing file stays until the new one takes
    /// its place.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Io`] if it cannot be written. No partial file is left in this case.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        let path = path.as_ref();
        replace(path, |writer| self.stored.write(writer))
            .map_err(CheckpointError::io("write", path))
    }

    /// Reads a file and checks every byte of it.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::NotFound`], [`CheckpointError::Foreign`], [`CheckpointError::OtherFormat`],
    /// [`CheckpointError::Damaged`], and [`CheckpointError::Io`] if it cannot be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        let path = path.as_ref();
        let origin = CheckpointSource::File(path.to_path_buf());
        let (file, size) = open_sized(path)?;
        let stored = Stored::read(&mut BufReader::new(file), size, &origin)?;
        Ok(Self { origin, stored })
    }

    /// The bytes of its file, to store them elsewhere.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let written = self.stored.write(&mut bytes);
        written.expect("memory takes every byte, and a header has only JSON's types");
        bytes
    }

    /// Reads the bytes from [`to_bytes`](Self::to_bytes) or a file, and checks every byte.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Foreign`], [`CheckpointError::OtherFormat`] and [`CheckpointError::Damaged`].
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, CheckpointError> {
        let size = bytes.len() as u64;
        let origin = CheckpointSource::Memory;
        let stored = Stored::read(&mut bytes, size, &origin)?;
        Ok(Self { origin, stored })
    }

    /// Where it came from.
    pub fn origin(&self) -> &CheckpointSource {
        &self.origin
    }

    /// The header.
    pub fn header(&self) -> &CheckpointHeader {
        &self.stored.header
    }

    /// The progress of the training.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::OtherProgress`] if it was written as another type.
    pub fn progress<P: DeserializeOwned>(&self) -> Result<P, CheckpointError> {
        ciborium::from_reader(&*self.bytes(PROGRESS)?).map_err(|source| {
            CheckpointError::OtherProgress {
                origin: self.origin.clone(),
                source,
            }
        })
    }

    /// The names of the additional records.
    pub fn record_names(&self) -> impl Iterator<Item = &str> {
        let names = self.stored.sections.iter();
        names.filter_map(|section| section.name.strip_prefix(RECORD))
    }

    /// An additional record, by its name.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::NoRecord`] if there is none with that name, and [`CheckpointError::Damaged`] if
    /// it is not a Burn record.
    pub fn record(&self, name: &str) -> Result<ModuleRecord, CheckpointError> {
        let section = format!("{RECORD}{name}");
        let Ok(bytes) = self.bytes(&section) else {
            let known: Vec<&str> = self.record_names().collect();
            return Err(CheckpointError::NoRecord {
                origin: self.origin.clone(),
                name: name.to_string(),
                known: if known.is_empty() {
                    "none".to_string()
                } else {
                    known.join(", ")
                },
            });
        };
        ModuleRecord::from_bytes(bytes).map_err(|error| self.no_record(&section, &error))
    }

    /// Loads the saved state into a new learner and optimizer. They must be built like the saved ones. The parameters'
    /// values do not matter. The learner may be in training or in validation mode.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::OtherModel`] or [`CheckpointError::OtherOptimizer`] if they are built differently.
    pub fn restore<M: Module, O: ContinualOptimizer>(
        &self,
        learner: ContinualLearner<M>,
        optimizer: O,
    ) -> Result<(ContinualLearner<M>, O), CheckpointError> {
        let learner = self.restore_learner(learner)?;
        let optimizer = self.restore_optimizer(optimizer)?;
        Ok((learner, optimizer))
    }

    /// Loads the additional record `name` into a new running measure of importance, for the parameters of `module`. Restore
    /// the module first.
    ///
    /// # Errors
    ///
    /// Those of [`record`](Self::record), and [`CheckpointError::OtherModel`] if the state is not of this module or of
    /// another measure.
    pub fn restore_running<M: Module>(
        &self,
        name: &str,
        running: RunningImportance,
        module: &M,
    ) -> Result<RunningImportance, CheckpointError> {
        let loaded = running.load_record(module, self.record(name)?);
        loaded.map_err(|error| CheckpointError::other_model(&self.origin, error))
    }

    /// Loads the additional record `name` into a new quadratic penalty, for the parameters of
    /// `module`. Restore the module first.
    ///
    /// # Errors
    ///
    /// Those of [`record`](Self::record), and [`CheckpointError::OtherModel`] if the state is not of
    /// this module.
    pub fn restore_penalty<M: Module>(
        &self,
        name: &str,
        penalty: QuadraticPenalty,
        module: &M,
    ) -> Result<QuadraticPenalty, CheckpointError> {
        let loaded = penalty.load_record(module, self.record(name)?);
        loaded.map_err(|error| CheckpointError::other_model(&self.origin, error))
    }

    /// Loads the additional record `name` into a module that is built like the saved one, such as a copy of the learner's
    /// module at the end of an earlier task.
    ///
    /// # Errors
    ///
    /// Those of [`record`](Self::record), and [`CheckpointError::OtherModel`] if the module is built differently.
    pub fn restore_module<M: Module>(&self, name: &str, module: M) -> Result<M, CheckpointError> {
        let loaded = module.try_load_record(self.record(name)?);
        loaded.map_err(|error| CheckpointError::other_model(&self.origin, error))
    }

    fn restore_learner<M: Module>(
        &self,
        learner: ContinualLearner<M>,
    ) -> Result<ContinualLearner<M>, CheckpointError> {
        // First, because the rest may fail because of different settings.
        self.warn_of_other_settings(learner.regularizer().config());
        let bytes = self.bytes(LEARNER)?;
        let pack = Pack::read(bytes.clone()).map_err(|reason| self.no_record(LEARNER, &reason))?;
        if counters(&pack).is_none() {
            return Err(self.no_record(LEARNER, &"it holds no learner"));
        }
        for device in learner.devices() {
            let is_supported = |dtype| device.supports_dtype(dtype);
            if let Some(dtype) = pack.dtypes().find(|dtype| !is_supported(*dtype)) {
                return Err(CheckpointError::OtherModel {
                    origin: self.origin.clone(),
                    reason: format!(
                        "it holds {dtype:?} numbers, which {:?} does not support",
                        device.clone().inner()
                    ),
                });
            }
        }
        if let Some(path) = other_kind(&learner, &pack) {
            return Err(CheckpointError::OtherModel {
                origin: self.origin.clone(),
                reason: format!("its numbers for {path} are of another kind"),
            });
        }
        let record =
            ModuleRecord::from_bytes(bytes).map_err(|error| self.no_record(LEARNER, &error))?;
        let learner = learner
            .try_load_record(record)
            .map_err(|error| CheckpointError::other_model(&self.origin, error))?;

        let header = self.header();
        let regularizer = learner.regularizer();
        if regularizer.task() != header.task {
            let reason = format!(
                "its header says {} tasks, but its learner has {}",
                header.task,
                regularizer.task()
            );
            return Err(CheckpointError::damaged(&self.origin, LEARNER, reason));
        }
        Ok(learner)
    }

    fn warn_of_other_settings(&self, config: &SynapticIntelligenceConfig) {
        let others = self.header().setting_mismatches(config);
        let others: Vec<String> = others
            .iter()
            .map(|it| format!("{} was {}, is now {}", it.name, it.stored, it.given))
            .collect();
        if !others.is_empty() {
            warn!(
                "{} was written with settings that differ from those of the learner: {}",
                self.origin,
                others.join("; ")
            );
        }
    }

    /// Burn silently skips state that the optimizer has no use for, so the loaded state is compared with the stored
    /// one.
    fn restore_optimizer<O: ContinualOptimizer>(&self, optimizer: O) -> Result<O, CheckpointError> {
        let read = |bytes: Bytes| -> Result<Pack, CheckpointError> {
            Pack::read(bytes).map_err(|reason| self.no_record(OPTIMIZER, &reason))
        };
        let bytes = self.bytes(OPTIMIZER)?;
        let given = read(bytes.clone())?;
        if !given.is_of_optimizer() {
            return Err(self.no_record(OPTIMIZER, &"it holds no optimizer's state"));
        }
        let record = OptimizerRecord::from_bytes(bytes)
            .map_err(|error| self.no_record(OPTIMIZER, &error))?;
        let optimizer = optimizer.load_record(record);
        let taken = optimizer.to_record().into_bytes();
        let taken = read(taken.map_err(|error| CheckpointError::content(OPTIMIZER, &error))?)?;
        match given.difference(&taken) {
            None => Ok(optimizer),
            Some(name) => Err(CheckpointError::OtherOptimizer {
                origin: self.origin.clone(),
                reason: format!("the given optimizer has no place for its state {name:?}"),
            }),
        }
    }

    /// The bytes of a section, shared.
    pub(crate) fn bytes(&self, name: &str) -> Result<Bytes, CheckpointError> {
        let mut sections = self.stored.sections.iter();
        let section = sections.find(|section| section.name == name);
        let section = section.map(|section| section.bytes.clone());
        section.ok_or_else(|| CheckpointError::damaged(&self.origin, name, "it is not there"))
    }

    /// The error for a section with the right checksum but the wrong content.
    fn no_record(&self, section: &str, reason: &dyn core::fmt::Display) -> CheckpointError {
        CheckpointError::damaged(&self.origin, section, reason.to_string())
    }
}

/// A file and its size.
pub(crate) fn open_sized(path: &Path) -> Result<(File, u64), CheckpointError> {
    let opened = File::open(path).and_then(|file| {
        let size = file.metadata()?.len();
        Ok((file, size))
    });
    opened.map_err(CheckpointError::opening(path))
}

/// A section with the bytes of `part`.
fn section(
    name: &str,
    part: &str,
    bytes: Result<Bytes, RecordError>,
) -> Result<Section, CheckpointError> {
    Ok(Section {
        name: name.to_string(),
        bytes: bytes
            .map_err(|error| CheckpointError::content(part, &error))?
            .shared(),
    })
}
