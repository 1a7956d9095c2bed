use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::optim::GradientsParams;
use burn::tensor::{Bool, Tensor};
use si_core::Checkpoint;
use si_core::checkpoint::CheckpointError;

use crate::methods::{ComparedOutputs, Functional};
use crate::model::{Network, Output};

use super::cost::{Kept, PassCounter, Passes};
use super::device_task::{Batch, DeviceTask};

/// The network as it was at the end of the last task, and the loss that compares with it.
pub(super) struct FrozenCopy {
    functional: Functional,
    tasks: Vec<DeviceTask>,
    /// In validation mode, outside autodiff. `None` in the first task.
    network: Option<Network>,
    pub(super) passes: PassCounter,
}

impl FrozenCopy {
    /// Before the first of `tasks`.
    pub(super) fn new(functional: Functional, tasks: &[DeviceTask]) -> Self {
        Self {
            functional,
            tasks: tasks.to_vec(),
            network: None,
            passes: PassCounter::default(),
        }
    }

    /// Itself with another `functional`.
    pub(super) fn copy_with(&self, functional: Functional) -> Self {
        Self {
            functional,
            tasks: self.tasks.clone(),
            network: self.network.clone(),
            passes: PassCounter::default(),
        }
    }

    /// Replaces the copy at a task's end.
    pub(super) fn renew(&mut self, network: &Network) {
        self.network = Some(network.valid());
    }

    /// Its loss, `[1]`, for the output `now` of the network for `batch`. `None` in the first task.
    pub(super) fn loss(&self, batch: &Batch, now: &Output) -> Option<Tensor<1>> {
        let before = self.network.as_ref()?.output(batch.images.clone());
        self.passes.count(Passes::forward(batch.len()));
        let outputs = self.compared_outputs(batch);
        Some(self.functional.loss(now, &before, &outputs))
    }

    /// The part of the readout of `network` that is frozen in a step on `batch`. `None` if the method freezes none, and
    /// in the first task.
    pub(super) fn frozen_readout(&self, network: &Network, batch: &Batch) -> Option<FrozenReadout> {
        let earlier = DeviceTask::before(&self.tasks, batch).last();
        let earlier = earlier.filter(|_| self.functional.freezes_readout)?;
        Some(FrozenReadout::new(network.readout(), earlier))
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

    /// What it holds.
    pub(super) fn kept(&self) -> Kept {
        let network = self.network.as_ref();
        Kept::numbers(network.map_or(0, Module::num_params))
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

/// The columns of a readout for the outputs of earlier tasks, before a step in which they must not change.
pub(super) struct FrozenReadout {
    before: Linear,
    /// Whether each output is frozen, `[1, outputs]`.
    is_frozen: Tensor<2, Bool>,
}

impl FrozenReadout {
    /// `earlier` is the last of the earlier tasks.
    fn new(readout: &Linear, earlier: &DeviceTask) -> Self {
        let [_, num_outputs] = readout.weight.dims();
        let device = readout.weight.val().device().inner();
        let is_frozen = (0..num_outputs).map(|output| earlier.outputs_so_far.contains(&output));
        let is_frozen: Vec<bool> = is_frozen.collect();
        Self {
            before: readout.clone(),
            is_frozen: Tensor::<1, Bool>::from_data(is_frozen.as_slice(), &device).unsqueeze(),
        }
    }

    /// The gradients with zeros for its columns.
    pub(super) fn without_gradient(&self, mut grads: GradientsParams) -> GradientsParams {
        let Self { before, is_frozen } = self;
        if let Some(gradient) = grads.remove::<2>(before.weight.id) {
            let is_frozen = is_frozen.clone().expand(gradient.dims());
            grads.register(before.weight.id, gradient.mask_fill(is_frozen, 0.0));
        }
        if let Some(bias) = &before.bias
            && let Some(gradient) = grads.remove::<1>(bias.id)
        {
            let is_frozen = is_frozen.clone().squeeze_dim(0);
            grads.register(bias.id, gradient.mask_fill(is_frozen, 0.0));
        }
        grads
    }

    /// Gives its columns the values that they had before the optimizer's step. Momentum and weight decay move them even
    /// if their gradient is zero.
    pub(super) fn restore(self, network: &mut Network) {
        let Self { before, is_frozen } = self;
        let readout = network.readout_mut();
        let of_weight = is_frozen.clone().expand(before.weight.dims());
        readout.weight = restored(&readout.weight, &before.weight, of_weight);
        if let (Some(bias), Some(before)) = (&mut readout.bias, &before.bias) {
            *bias = restored(bias, before, is_frozen.squeeze_dim(0));
        }
    }
}

/// `now`, with the values of `before` where `is_frozen`.
fn restored<const D: usize>(
    now: &Param<Tensor<D>>,
    before: &Param<Tensor<D>>,
    is_frozen: Tensor<D, Bool>,
) -> Param<Tensor<D>> {
    let before = before.val().inner();
    now.clone().map(|now| {
        let is_tracked = now.is_require_grad();
        let restored = now.inner().mask_where(is_frozen, before);
        Tensor::from_inner(restored).set_require_grad(is_tracked)
    })
}

/// The record of the copy in a checkpoint.
const RECORD: &str = "frozen-copy";

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::super::Scenario;
    use super::super::testing::tasks;
    use super::*;
    use crate::methods::Compared;

    #[test]
    fn the_new_task_takes_part_in_a_comparison_of_outputs_only_if_its_own_classes_compete() {
        for (scenario, expected) in [
            (Scenario::Task, ComparedOutputs::of_both(0..2)),
            (Scenario::Domain, ComparedOutputs::of_both(0..2)),
            (
                Scenario::Class,
                ComparedOutputs {
                    before: 0..2,
                    now: 0..4,
                },
            ),
        ] {
            let tasks = DeviceTask::upload(&tasks(scenario), &Device::flex());
            let functional = Functional {
                strength: 1.0,
                compared: Compared::Outputs { temperature: 2.0 },
                freezes_readout: false,
            };
            let copy = FrozenCopy::new(functional, &tasks);
            assert_eq!(copy.compared_outputs(&Batch::at(&tasks, &[3])), []);
            let found = copy.compared_outputs(&Batch::at(&tasks, &[40]));
            assert_eq!(found, [expected], "{scenario:?}");
        }
    }
}
