use std::fs::File;
use std::io::Read;
use std::path::Path;

use burn::tensor::{Bytes, TensorData};

use crate::Checkpoint;
use crate::checkpoint::{
    CheckpointError, CheckpointHeader, CheckpointSource, LEARNER, OPTIMIZER, open_sized,
};
use crate::diagnostics::{ParameterDiagnostics, negative_share, quantiles};
use crate::learner::{RecordedSynapse, counters, recorded_synapses};
use crate::pack::{Pack, saved_as};

/// What a [`Checkpoint`] or a learner's record holds. Reading it does not need the model.
///
/// ```
/// # use burn::{module::Module, nn::LinearConfig, tensor::Device};
/// # use si_core::{ContinualLearner, SynapticIntelligenceConfig};
/// # use si_core::checkpoint::Inspection;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("learner.bpk");
/// # let model = LinearConfig::new(2, 1).init(&Device::flex().autodiff());
/// let learner = ContinualLearner::new(model, &SynapticIntelligenceConfig::new())?;
/// learner.save_file(&path)?;
/// let inspection = Inspection::read(&path)?;
/// assert_eq!(inspection.task, 0);
/// assert_eq!(inspection.parameters[1].path(), "weight");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Size of the file in bytes.
    pub size: u64,
    /// The checkpoint's header. `None` for a learner's record, which has none.
    pub header: Option<CheckpointHeader>,
    /// Number of tasks consolidated, which is also the index of the task being learnt.
    pub task: usize,
    /// Steps since that task began.
    pub num_steps: usize,
    /// Names of the state that the optimizer keeps for each parameter, such as `momentum.moment_1`. `None` for
    /// a learner's record.
    pub optimizer_state: Option<Vec<String>>,
    /// Names of a checkpoint's additional records. Empty for a learner's record.
    pub records: Vec<String>,
    /// Each consolidated parameter, by path.
    pub parameters: Vec<StoredParameter>,
}

/// The state of one parameter's synapses, as stored in a file.
#[derive(Clone, Debug)]
pub struct StoredParameter {
    path: String,
    shape: Vec<usize>,
    importance: Option<TensorData>,
    path_integral: Option<TensorData>,
    anchor: Option<TensorData>,
}

impl Inspection {
    /// Reads a file. Every byte of a checkpoint is checked. Burn's records have no checksum, so only their
    /// structure is checked. As in `try_load_file`, a path without an extension is that of the file with `.bpk`, if there
    /// is one: that is where `save_file` saves.
    ///
    /// # Errors
    ///
    /// Those of [`Checkpoint::load`]; [`CheckpointError::Foreign`] for a record that is not a learner's.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        let path = &saved_as(path.as_ref());
        let (mut file, size) = open_sized(path)?;
        let mut beginning = Vec::new();
        let read = (&mut file).take(4).read_to_end(&mut beginning);
        read.map_err(CheckpointError::io("read", path))?;
        if Pack::begins(&beginning) {
            Self::of_record(path, beginning, file, size)
        } else {
            Self::of_checkpoint(&Checkpoint::load(path)?, size)
        }
    }

    fn of_checkpoint(checkpoint: &Checkpoint, size: u64) -> Result<Self, CheckpointError> {
        let unreadable = |part: &str, reason: String| {
            CheckpointError::damaged(checkpoint.origin(), part, reason)
        };
        let section = |name: &str| {
            let pack = Pack::read(checkpoint.bytes(name)?);
            pack.map_err(|reason| unreadable(name, reason))
        };
        let optimizer = section(OPTIMIZER)?;
        let learner = Self::of_learner(&section(LEARNER)?, size);
        let learner = learner.map_err(|reason| unreadable(LEARNER, reason))?;
        let names = optimizer.state_names().into_iter().map(str::to_string);
        Ok(Self {
            header: Some(checkpoint.header().clone()),
            optimizer_state: Some(names.collect()),
            records: checkpoint.record_names().map(str::to_string).collect(),
            ..learner
        })
    }

    fn of_record(
        path: &Path,
        mut bytes: Vec<u8>,
        mut file: File,
        size: u64,
    ) -> Result<Self, CheckpointError> {
        let read = file.read_to_end(&mut bytes);
        read.map_err(CheckpointError::io("read", path))?;
        let origin = CheckpointSource::File(path.to_path_buf());
        let pack = Pack::read(Bytes::from_bytes_vec(bytes))
            .map_err(|reason| CheckpointError::damaged(&origin, "record", reason))?;
        Self::of_learner(&pack, size).map_err(|reason| CheckpointError::Foreign { origin, reason })
    }

    fn of_learner(pack: &Pack, size: u64) -> Result<Self, String> {
        let (task, num_steps) = counters(pack).ok_or("it is a Burn record without a learner")?;
        let synapses = recorded_synapses(pack)?.into_iter();
        Ok(Self {
            size,
            header: None,
            task,
            num_steps,
            optimizer_state: None,
            records: Vec::new(),
            parameters: synapses.map(StoredParameter::of).collect(),
        })
    }
}

impl StoredParameter {
    fn of(synapse: RecordedSynapse) -> Self {
        Self {
            path: synapse.path,
            shape: synapse.anchor.shape().to_vec(),
            importance: synapse.has_importance.then_some(synapse.importance),
            path_integral: synapse.has_path_integral.then_some(synapse.path_integral),
            anchor: synapse.has_anchor.then_some(synapse.anchor),
        }
    }

    /// Path of the parameter in its module, such as `fc1.weight`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Shape of the parameter.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Ω of each synapse. `None` before the first task's end.
    pub fn importance(&self) -> Option<Vec<f64>> {
        self.importance.as_ref().map(values)
    }

    /// ω of each synapse. `None` before the task's first step.
    pub fn path_integral(&self) -> Option<Vec<f64>> {
        self.path_integral.as_ref().map(values)
    }

    /// θ̃ of each synapse. `None` before the first step.
    pub fn anchor(&self) -> Option<Vec<f64>> {
        self.anchor.as_ref().map(values)
    }

    /// What [`ContinualLearner::diagnostics`](crate::ContinualLearner::diagnostics) reports for it.
    pub fn diagnostics(&self) -> ParameterDiagnostics {
        ParameterDiagnostics {
            path: self.path.clone(),
            num_synapses: self.shape.iter().product(),
            importance_quantiles: self.importance().map(quantiles),
            negative_path_integral_share: self.path_integral().map(negative_share),
        }
    }
}

fn values(data: &TensorData) -> Vec<f64> {
    data.iter::<f64>().collect()
}

#[cfg(test)]
mod tests;
