mod cost;
mod trunk;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use serde::Serialize;
use si_core::checkpoint::CheckpointError;
use si_core::{Checkpoint, ContinualLearner, SynapticOptimizer};

use crate::Error;
use crate::methods::Parts;
use crate::model::Network;
use crate::task::TaskSequence;

use super::anchored::{Anchored, Learnt};
use super::cost::{PassCounter, Passes};
use super::device_task::{Batch, DeviceTask};
use super::frozen_copy::{FrozenCopy, FrozenReadout};
use super::random::{Purpose, generator};
use super::rehearsal::{Minibatch, Rehearsal, StoredMemory};
use super::{Condition, ExperimentConfig, Measured};

use trunk::HeldTrunk;

/// A network that learns, with the state of its method and its optimizer.
pub(super) struct Student {
    /// Measures path integrals for every method. Adds a penalty only for Synaptic Intelligence.
    pub(super) learner: ContinualLearner<Network>,
    anchor: Option<Anchored>,
    trunk: HeldTrunk,
    frozen_copy: Option<FrozenCopy>,
    rehearsal: Option<Rehearsal>,
    optimizer: SynapticOptimizer,
    passes: PassCounter,
}

impl Student {
    /// One that has learnt nothing yet. `device` is on the autodiff side. `tasks` are those of `sequence`.
    pub(super) fn new(
        sequence: &TaskSequence,
        tasks: &[DeviceTask],
        config: &ExperimentConfig,
        condition: &Condition,
        seed: u64,
        device: &Device,
    ) -> Result<Self, Error> {
        let mut rng = generator(seed, Purpose::InitialParameters);
        let network = config.network(sequence, condition).init(&mut rng, device);
        let Parts {
            anchor,
            trunk,
            functional,
            memory,
            ..
        } = condition.parts();
        Ok(Self {
            learner: ContinualLearner::new(network, &config.synaptic_intelligence(condition))?,
            anchor: anchor.map(Anchored::new).transpose()?,
            trunk: HeldTrunk::new(trunk),
            frozen_copy: functional.map(|it| FrozenCopy::new(it, tasks)),
            rehearsal: memory.map(|it| Rehearsal::new(it, tasks, seed)),
            optimizer: config.optimizer.init(config.momentum),
            passes: PassCounter::default(),
        })
    }

    /// A copy that is made of `parts`: the same method with other strengths, or without some of its parts.
    pub(super) fn copy_with(&self, parts: Parts) -> Result<Self, Error> {
        let strength = parts.synaptic.map_or(0.0, |it| it.strength);
        let mut learner = self.learner.clone();
        learner.set_strength(strength)?;
        let anchors = self.anchor.as_ref().zip(parts.anchor);
        let anchor = anchors.map(|(own, anchor)| own.copy_with(anchor));
        let functionals = self.frozen_copy.as_ref().zip(parts.functional);
        let memories = self.rehearsal.as_ref().zip(parts.memory);
        Ok(Self {
            learner,
            anchor: anchor.transpose()?,
            trunk: self.trunk.copy_with(parts.trunk),
            frozen_copy: functionals.map(|(own, functional)| own.copy_with(functional)),
            rehearsal: memories.map(|(own, memory)| own.copy_with(memory)),
            optimizer: self.optimizer.clone(),
            passes: PassCounter::default(),
        })
    }

    /// Whether a step needs a second minibatch.
    pub(super) fn needs_second_batch(&self) -> bool {
        self.anchor
            .as_ref()
            .is_some_and(Anchored::needs_second_batch)
    }

    /// One training step. The path integral is that of the whole loss without penalties, with the gradient that the
    /// method makes of it. `second` is another minibatch, for a method that measures importance by two.
    pub(super) fn step(mut self, batch: Batch, second: Option<Batch>, learning_rate: f64) -> Self {
        let learning_rate = self.trunk.learning_rate(learning_rate);
        self.count_trained(&batch);
        let (loss, logits) = self.loss(&batch, Minibatch::First);
        self.learner.regularizer_mut().observe_loss(&loss);
        let frozen_copy = self.frozen_copy.as_ref();
        let frozen = frozen_copy.and_then(|it| it.frozen_readout(&self.learner, &batch));
        let mut grads = self.gradients(&loss, &batch, Minibatch::First, frozen.as_ref());
        let second = second.map(|second| {
            let (loss, _) = self.loss(&second, Minibatch::Second);
            self.gradients(&loss, &second, Minibatch::Second, frozen.as_ref())
        });
        if let Some(anchor) = &mut self.anchor {
            grads = anchor.begin_step(&self.learner, grads, second.as_ref());
        }
        self.learner = self
            .learner
            .optimize(&mut self.optimizer, learning_rate, grads);
        if let Some(frozen) = frozen {
            frozen.restore(&mut self.learner);
        }
        if let Some(anchor) = &mut self.anchor {
            anchor.end_step(&self.learner);
        }
        if let Some(rehearsal) = &mut self.rehearsal {
            rehearsal.remember(&batch, logits);
        }
        self
    }

    /// The gradients of the loss of `batch`, as the method makes them, without penalties.
    fn gradients(
        &self,
        loss: &Tensor<1>,
        batch: &Batch,
        minibatch: Minibatch,
        frozen: Option<&FrozenReadout>,
    ) -> GradientsParams {
        let mut grads = GradientsParams::from_grads(loss.backward(), &*self.learner);
        if let Some(rehearsal) = &self.rehearsal {
            grads = rehearsal.filter(&self.learner, batch, minibatch, grads);
        }
        match frozen {
            Some(frozen) => frozen.without_gradient(grads),
            None => grads,
        }
    }

    /// The loss of a step, `[1]`, without penalties, and the logits of `batch`, outside autodiff.
    fn loss(&self, batch: &Batch, minibatch: Minibatch) -> (Tensor<1>, Tensor<2>) {
        self.passes.count(Passes::both(batch.len()));
        let (loss, output) = match &self.rehearsal {
            Some(rehearsal) => rehearsal.loss(&self.learner, batch, minibatch),
            None => batch.loss(&self.learner),
        };
        let frozen_copy = self.frozen_copy.as_ref();
        let loss = match frozen_copy.and_then(|it| it.loss(batch, &output)) {
            Some(compared) => loss + compared,
            None => loss,
        };
        (loss, output.logits.inner())
    }

    /// Begins the lesson `index`, or goes on with it after a [`restore`](Self::restore).
    pub(super) fn begin_lesson(&mut self, index: usize, seed: u64) {
        self.grow(index + 1, seed);
        if let Network::Progressive(network) = &mut *self.learner {
            network.freeze_earlier();
        }
    }

    /// Begins an epoch of the lesson `lesson`, which has begun.
    pub(super) fn begin_epoch(&mut self, lesson: usize, epoch: usize) {
        self.trunk.begin_epoch(lesson, epoch, &mut self.learner);
    }

    /// Begins the lesson `index` with all that a step in it needs, although the lessons before were not learnt: a frozen
    /// copy, and a memory of earlier images. So a step costs what it costs in a run.
    pub(super) fn begin_lesson_untaught(&mut self, index: usize, seed: u64) {
        if index > 0 {
            if let Some(frozen_copy) = &mut self.frozen_copy {
                frozen_copy.renew(&self.learner);
            }
            if let Some(rehearsal) = &mut self.rehearsal {
                let [_, num_outputs] = self.learner.readout().weight.dims();
                rehearsal.see_tasks(index, num_outputs);
            }
        }
        self.begin_lesson(index, seed);
    }

    /// Adds what a network that grows has when that many lessons have begun.
    pub(super) fn grow(&mut self, num_lessons: usize, seed: u64) {
        if let Network::Progressive(network) = &mut *self.learner {
            for column in network.num_columns()..num_lessons {
                network.add_column(&mut generator(seed, Purpose::Column { column }));
            }
        }
    }

    /// Ends the task `index`, which is `task`. Returns whether consolidation had no effect in it although it should have
    /// had one. Reports the progress of measuring importance to `observe`, if the method measures it at a task's end.
    pub(super) fn end_task(
        &mut self,
        task: &DeviceTask,
        index: usize,
        config: &ExperimentConfig,
        seed: u64,
        observe: &mut dyn FnMut(Measured),
    ) -> Result<bool, Error> {
        let inert = self.learner.end_task().is_some();
        if let Some(frozen_copy) = &mut self.frozen_copy {
            frozen_copy.renew(&self.learner);
        }
        match &mut self.anchor {
            None => Ok(inert),
            Some(anchor) => {
                let learnt = Learnt {
                    task,
                    index,
                    config,
                    seed,
                };
                anchor.end_task(&self.learner, &learnt, observe)
            }
        }
    }

    /// Resets the optimizer between tasks, as the config says, after `steps_done` steps.
    pub(super) fn reset_optimizer(&mut self, config: &ExperimentConfig, steps_done: usize) {
        let reset = config.reset_optimizer;
        reset.apply(&mut self.optimizer, config, steps_done);
    }

    /// Whether the learner's epoch reports include its penalty.
    pub(super) fn reports_penalty(&self) -> bool {
        self.anchor.is_none()
    }

    /// What a checkpoint holds of its memory beside [`checkpoint`](Self::checkpoint).
    pub(super) fn stored_memory(&self) -> Option<StoredMemory> {
        self.rehearsal.as_ref().map(Rehearsal::stored)
    }

    /// A checkpoint of its state except its memory, with `progress`.
    pub(super) fn checkpoint(
        &self,
        progress: &impl Serialize,
    ) -> Result<Checkpoint, CheckpointError> {
        let mut checkpoint = Checkpoint::new(&self.learner, &self.optimizer, progress)?;
        if let Some(anchor) = &self.anchor {
            checkpoint = anchor.save(checkpoint, &self.learner)?;
        }
        match &self.frozen_copy {
            Some(frozen_copy) => frozen_copy.save(checkpoint),
            None => Ok(checkpoint),
        }
    }

    /// Restores the state of a [`checkpoint`](Self::checkpoint) and a [memory](Self::stored_memory).
    pub(super) fn restore(
        self,
        checkpoint: &Checkpoint,
        memory: Option<StoredMemory>,
    ) -> Result<Self, CheckpointError> {
        let (learner, optimizer) = checkpoint.restore(self.learner, self.optimizer)?;
        let anchor = self.anchor.map(|it| it.restore(checkpoint, &learner));
        let frozen_copy = self.frozen_copy;
        let frozen_copy = frozen_copy.map(|it| it.restore(checkpoint, &learner));
        let rehearsal = self.rehearsal.map(|rehearsal| match memory {
            Some(memory) => rehearsal.restored(memory),
            None => rehearsal,
        });
        Ok(Self {
            frozen_copy: frozen_copy.transpose()?,
            rehearsal,
            anchor: anchor.transpose()?,
            learner,
            optimizer,
            ..self
        })
    }
}

#[cfg(test)]
mod tests;
