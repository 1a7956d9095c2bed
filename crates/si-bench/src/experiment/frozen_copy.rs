use std::ops::Range;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use si_core::Checkpoint;
use si_core::checkpoint::CheckpointError;

use crate::methods::{ComparedOutputs, Functional};
use crate::model::{Network, Output};

use super::device_task::{Batch, DeviceTask};

/// The network as it was at the end of the last task, and the loss that compares with it.
pub(super) struct FrozenCopy {
    functional: Functional,
    tasks: Vec<DeviceTask>,
    /// In validation mode, outside autodiff. `None` in the first task.
    network: Option<Network>,
}

impl FrozenCopy {
    /// Before the first of `tasks`.
    pub(super) fn new(functional: Functional, tasks: &[DeviceTask]) -> Self {
        Self {
            functional,
            tasks: tasks.to_vec(),
            network: None,
        }
    }

    /// Replaces the copy at a task's end.
    pub(super) fn renew(&mut self, network: &Network) {
        self.network = Some(network.valid());
    }

    /// Its loss, `[1]`, for the output `now` of the network for `batch`. `None` in the first task.
    pub(super) fn loss(&self, batch: &Batch, now: &Output) -> Option<Tensor<1>> {
        let before = self.network.as_ref()?.output(batch.images.clone());
        let outputs = self.compared_outputs(batch);
        Some(self.functional.loss(now, &before, &outputs))
    }

    /// Takes the gradients of the readout's columns for the outputs of earlier tasks away, if the method freezes them.
    ///
    /// If they are all the columns there are, the optimizer gets no gradient at all. So it leaves the readout alone even
    /// if it has momentum from the task before.
    pub(super) fn freeze_readout(
        &self,
        network: &Network,
        batch: &Batch,
        mut grads: GradientsParams,
    ) -> GradientsParams {
        if !self.functional.freezes_readout || self.network.is_none() {
            return grads;
        }
        let readout = network.readout();
        let [_, num_outputs] = readout.weight.dims();
        let earlier = self.earlier_outputs(batch);
        let is_free = |output: usize| !earlier.iter().any(|outputs| outputs.contains(&output));
        let free: Vec<f32> = (0..num_outputs)
            .map(|output| f32::from(is_free(output)))
            .collect();
        let weight = grads.remove::<2>(readout.weight.id);
        let bias = readout.bias.as_ref();
        let bias = bias.and_then(|bias| Some((bias.id, grads.remove::<1>(bias.id)?)));
        if free.contains(&1.0) {
            let device = readout.weight.val().device().inner();
            let free = Tensor::<1>::from_data(TensorData::new(free, [num_outputs]), &device);
            if let Some(weight) = weight {
                grads.register(readout.weight.id, weight * free.clone().unsqueeze());
            }
            if let Some((id, bias)) = bias {
                grads.register(id, bias * free);
            }
        }
        grads
    }

    /// The outputs of the tasks before that of `batch`. Tasks with the same outputs count once.
    fn earlier_outputs(&self, batch: &Batch) -> Vec<Range<usize>> {
        let before = DeviceTask::before(&self.tasks, batch).iter();
        let mut outputs: Vec<_> = before.map(|task| task.outputs.clone()).collect();
        outputs.dedup();
        outputs
    }

    /// The outputs whose probabilities are compared in a step on `batch`.
    fn compared_outputs(&self, batch: &Batch) -> Vec<ComparedOutputs> {
        let earlier = DeviceTask::before(&self.tasks, batch);
        let current = &self.tasks[earlier.len()];
        if current.is_given() {
            let of_task = |task: &DeviceTask| ComparedOutputs::of_both(task.outputs.clone());
            earlier.iter().map(of_task).collect()
        } else {
            let last = earlier.last().into_iter();
            last.map(|last| ComparedOutputs {
                before: last.outputs_so_far.clone(),
                now: current.outputs_so_far.clone(),
            })
            .collect()
        }
    }

    /// Adds the copy to a checkpoint.
    pub(super) fn save(&self, checkpoint: Checkpoint) -> Result<Checkpoint, CheckpointError> {
        match &self.network {
            Some(network) => checkpoint.with_record(RECORD, network.clone().into_record()),
            None => Ok(checkpoint),
        }
    }

    /// The copy in a checkpoint. `network` is built like it.
    pub(super) fn restore(
        self,
        checkpoint: &Checkpoint,
        network: &Network,
    ) -> Result<Self, CheckpointError> {
        let is_there = checkpoint.record_names().any(|name| name == RECORD);
        let restored = is_there.then(|| checkpoint.restore_module(RECORD, network.valid()));
        Ok(Self {
            network: restored.transpose()?,
            ..self
        })
    }
}

/// The record of the copy in a checkpoint.
const RECORD: &str = "frozen-copy";
