use std::fs;
use std::io;
use std::path::Path;

use burn::module::ParamId;
use flate2::Crc;
use si_core::ContinualLearner;

use crate::metrics::{LayerCorrelations, pearson};
use crate::model::Network;
use crate::{Error, replace_file};

/// Path integrals of the hidden layers' weights at the end of each task, before consolidation
/// divided and cleared them.
#[derive(Default)]
pub(super) struct PathIntegrals {
    /// `[tasks][layers][weights]`.
    tasks: Vec<Vec<Vec<f32>>>,
}

impl PathIntegrals {
    /// Stores those of the task that is about to end.
    pub(super) fn keep(&mut self, learner: &ContinualLearner<Network>) {
        self.tasks.push(of_task(learner));
    }

    /// Number of tasks so far.
    pub(super) fn num_tasks(&self) -> usize {
        self.tasks.len()
    }

    /// The correlations between tasks, for each layer.
    pub(super) fn correlations(&self) -> Vec<LayerCorrelations> {
        let num_layers = self.tasks.first().map_or(0, Vec::len);
        let of_layer = |layer: usize| {
            let correlation = |task: usize, other: usize| {
                pearson(&self.tasks[task][layer], &self.tasks[other][layer])
            };
            let num_tasks = self.tasks.len();
            let below: Vec<Vec<Option<f64>>> = (0..num_tasks)
                .map(|task| (0..=task).map(|other| correlation(task, other)).collect())
                .collect();
            let at = |task: usize, other: usize| below[task.max(other)][task.min(other)];
            let row = |task| (0..num_tasks).map(|other| at(task, other)).collect();
            LayerCorrelations {
                layer: layer + 1,
                matrix: (0..num_tasks).map(row).collect(),
            }
        };
        (0..num_layers).map(of_layer).collect()
    }

    /// Writes those of task `task` to a file, in the order of the layers, followed by a checksum. Writes the whole file
    /// or none, and creates its folder if missing.
    pub(super) fn write_task(&self, task: usize, path: &Path) -> Result<(), Error> {
        let values = self.tasks[task].iter().flatten();
        let mut bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
        bytes.extend(checksum(&bytes));
        replace_file(path, &bytes)
    }

    /// Adds those of the next task, which [`write_task`](Self::write_task) wrote for the same
    /// network as that of `learner`.
    pub(super) fn read_task(
        &mut self,
        path: &Path,
        learner: &ContinualLearner<Network>,
    ) -> io::Result<()> {
        let damaged = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
        let bytes = fs::read(path)?;
        let lengths: Vec<usize> = weights(learner).iter().map(|(_, len)| *len).collect();
        let expected = lengths.iter().sum::<usize>() * size_of::<f32>() + CHECKSUM_SIZE;
        if bytes.len() != expected {
            let reason = format!("it must have {expected} bytes, but has {}", bytes.len());
            return Err(damaged(reason));
        }
        let (bytes, sum) = bytes.split_at(expected - CHECKSUM_SIZE);
        if checksum(bytes) != sum {
            return Err(damaged(
                "its bytes have changed since it was written".to_string(),
            ));
        }
        let (numbers, _) = bytes.as_chunks();
        let mut values = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let layers = lengths
            .iter()
            .map(|length| values.by_ref().take(*length).collect());
        self.tasks.push(layers.collect());
        Ok(())
    }
}

/// Bytes of a checksum.
const CHECKSUM_SIZE: usize = 4;

/// The CRC32 of `bytes`.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_SIZE] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

/// The path integrals of a task that is not consolidated yet, `[layers][weights]`.
fn of_task(learner: &ContinualLearner<Network>) -> Vec<Vec<f32>> {
    let synapse = |id| learner.regularizer().synapse(id);
    weights(learner)
        .into_iter()
        .map(|(id, length)| {
            match synapse(id).and_then(|synapse| synapse.path_integral::<2>()) {
                Some(path_integral) => path_integral.into_data().iter().collect(),
                // The weights have not moved yet.
                None => vec![0.0; length],
            }
        })
        .collect()
}

/// The weights of each hidden layer, with their number.
fn weights(learner: &ContinualLearner<Network>) -> Vec<(ParamId, usize)> {
    let weights = learner.hidden_weights();
    let sized = weights
        .iter()
        .map(|weight| (weight.id, weight.shape().num_elements()));
    sized.collect()
}
