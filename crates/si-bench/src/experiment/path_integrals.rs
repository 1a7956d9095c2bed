use std::fs;
use std::io;
use std::path::Path;

use burn::module::Param;
use burn::tensor::Tensor;
use flate2::Crc;
use si_core::SynapticIntelligence;

use crate::metrics::{LayerCorrelations, pearson};
use crate::{Error, replace_file};

/// Path integrals of the hidden layers' weights at the end of each task, before consolidation
/// divided and cleared them.
#[derive(Default)]
pub(super) struct PathIntegrals {
    /// `[tasks][layers][weights]`.
    tasks: Vec<Vec<Vec<f32>>>,
}

impl PathIntegrals {
    /// Stores those of the task that is about to end. `weights` are those of the hidden layers, from input to output.
    pub(super) fn keep<const D: usize>(
        &mut self,
        regularizer: &SynapticIntelligence,
        weights: &[&Param<Tensor<D>>],
    ) {
        let layers = weights.iter().map(|weight| {
            let synapse = regularizer.synapse(weight.id);
            match synapse.and_then(|synapse| synapse.path_integral::<D>()) {
                Some(path_integral) => path_integral.into_data().iter().collect(),
                // The weights have not moved yet.
                None => vec![0.0; num_elements(weight)],
            }
        });
        self.tasks.push(layers.collect());
    }

    /// Number of tasks so far.
    pub(super) fn num_tasks(&self) -> usize {
        self.tasks.len()
    }

    /// Those of each replica, if they are of that many replicas as one stack.
    pub(super) fn of_each_replica(&self, num_replicas: usize) -> Vec<Self> {
        let of_replica = |replica: usize| {
            let part = |layer: &Vec<f32>| {
                let size = layer.len() / num_replicas;
                layer[replica * size..][..size].to_vec()
            };
            let tasks = self.tasks.iter();
            Self {
                tasks: tasks
                    .map(|layers| layers.iter().map(part).collect())
                    .collect(),
            }
        };
        (0..num_replicas).map(of_replica).collect()
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

    /// Adds those of the next task, which [`write_task`](Self::write_task) wrote for a network with the same `weights`.
    pub(super) fn read_task<const D: usize>(
        &mut self,
        path: &Path,
        weights: &[&Param<Tensor<D>>],
    ) -> io::Result<()> {
        let damaged = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
        let bytes = fs::read(path)?;
        let lengths: Vec<usize> = weights.iter().map(|weight| num_elements(weight)).collect();
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

fn num_elements<const D: usize>(weight: &Param<Tensor<D>>) -> usize {
    weight.lazy_shape().num_elements()
}
