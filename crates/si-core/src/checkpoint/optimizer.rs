use burn::optim::{ModuleOptimizer, OptimizerRecord};

use crate::SynapticOptimizer;

/// An optimizer whose state a [`Checkpoint`](crate::Checkpoint) keeps: any of Burn's, and ours.
pub trait RecordedOptimizer: Sized {
    /// The state.
    fn to_record(&self) -> OptimizerRecord;

    /// Takes over the state that [`to_record`](Self::to_record) has given.
    fn load_record(self, record: OptimizerRecord) -> Self;
}

impl RecordedOptimizer for ModuleOptimizer {
    fn to_record(&self) -> OptimizerRecord {
        self.to_record()
    }

    fn load_record(self, record: OptimizerRecord) -> Self {
        self.load_record(record)
    }
}

impl RecordedOptimizer for SynapticOptimizer {
    fn to_record(&self) -> OptimizerRecord {
        self.to_record()
    }

    fn load_record(self, record: OptimizerRecord) -> Self {
        self.load_record(record)
    }
}
