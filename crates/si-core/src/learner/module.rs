use std::fs;
use std::path::Path;

use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor, ParamGroup};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Bytes, Device};

use super::ContinualLearner;
use super::record::Recorded;
use crate::pack::saved_as;
use crate::trained::{checkpointing_of, settle_statistics, train_with};

/// The module's own traversals. The state takes part in moves to another device and in records.
impl<M: Module> Module for ContinualLearner<M> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.module.collect_devices(devices)
    }

    /// The state moves in the next step. A fork may be only for one forward and backward pass, as in each step of
    /// training on several devices, and such a fork does not need the state.
    fn fork(self, device: &Device) -> Self {
        Self {
            module: self.module.fork(device),
            ..self
        }
    }

    fn to_device(self, device: &Device) -> Self {
        Self {
            module: self.module.to_device(device),
            regularizer: self.regularizer.to_device(device),
            ..self
        }
    }

    fn train(self) -> Self {
        let checkpointing = checkpointing_of(&self.module).or(self.checkpointing);
        Self {
            module: train_with(self.module, checkpointing),
            checkpointing,
            ..self
        }
    }

    fn valid(&self) -> Self {
        Self {
            module: self.module.valid(),
            regularizer: self.regularizer.clone(),
            checkpointing: checkpointing_of(&self.module).or(self.checkpointing),
        }
    }

    fn materialize(self) -> Self {
        Self {
            module: self.module.materialize(),
            ..self
        }
    }

    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        self.module.visit(visitor);
    }

    fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
        Self {
            module: self.module.map(mapper),
            ..self
        }
    }

    fn num_params(&self) -> usize {
        self.module.num_params()
    }

    fn into_record(self) -> ModuleRecord {
        settle_statistics(&self.module);
        Recorded(self).into_record()
    }

    fn into_record_group(self, group: ParamGroup) -> ModuleRecord {
        settle_statistics(&self.module);
        Recorded(self).into_record_group(group)
    }

    /// Reads the whole file at once. Burn opens it again for each tensor, when that is first needed. If another file was
    /// written in its place by then, Burn would read that one's numbers, and if it is gone, panic (burn-pack 0.22.1,
    /// `reader.rs:62`).
    fn try_load_file<P: AsRef<Path>>(self, path: P) -> Result<Self, RecordError> {
        let path = saved_as(path.as_ref());
        let bytes = fs::read(&path)
            .map_err(|error| RecordError::Io(format!("cannot read {}: {error}", path.display())))?;
        let at_path = |reason| format!("{}: {reason}", path.display());
        ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes))
            .and_then(|record| self.try_load_record(record))
            .map_err(|error| match error {
                RecordError::Io(reason) => RecordError::Io(at_path(reason)),
                RecordError::Validation(reason) => RecordError::Validation(at_path(reason)),
            })
    }

    fn try_load_record(self, record: ModuleRecord) -> Result<Self, RecordError> {
        // Pending updates would overwrite the loaded statistics.
        settle_statistics(&self.module);
        Recorded(self).load(record)
    }
}
