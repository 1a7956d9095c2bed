use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use serde::Serialize;
use si_core::checkpoint::CheckpointError;
use si_core::replicas::cross_entropy;
use si_core::{Checkpoint, ContinualLearner, SynapticOptimizer, TaskWarning};

use crate::Error;
use crate::experiment::cost::Kept;
use crate::experiment::random::{Purpose, generator};
use crate::experiment::{Condition, ExperimentConfig};
use crate::model::{Mlp, Network, StackedMlp};
use crate::task::{StackedBatch, TaskSequence};

use super::task::StackedTask;

/// A stack of networks that learn, with the state of their method and their optimizer.
pub(super) struct StackedStudent {
    /// Measures path integrals for every replica. Adds a penalty only to those with a strength.
    pub(super) learner: ContinualLearner<StackedMlp>,
    optimizer: SynapticOptimizer,
    /// Strength c of each replica.
    strengths: Vec<f64>,
}

impl StackedStudent {
    /// One that has learnt nothing yet. `device` is on the autodiff side. `sequence` is that of any of `runs`, which can be
    /// trained at once.
    pub(super) fn new(
        sequence: &TaskSequence,
        config: &ExperimentConfig,
        runs: &[(Condition, u64)],
        device: &Device,
    ) -> Result<Self, Error> {
        let refused = || Error::Config("only perceptrons can be trained at once".to_string());
        let [(first, _), ..] = runs else {
            return Err(refused());
        };
        let networks = runs.iter().map(|(condition, seed)| {
            let mut rng = generator(*seed, Purpose::InitialParameters);
            match config.network(sequence, condition).init(&mut rng, device) {
                Network::Mlp(network) => Ok(network),
                Network::Cnn(_) | Network::Progressive(_) => Err(refused()),
            }
        });
        let networks: Vec<Mlp> = networks.collect::<Result<_, _>>()?;
        let stack = StackedMlp::new(&networks)?;
        let of_each = runs.iter().map(|(it, _)| config.synaptic_intelligence(it));
        let strengths: Vec<f64> = of_each.map(|it| it.strength).collect();
        // Apart from the strengths, all have the same settings.
        let mut settings = config.synaptic_intelligence(first);
        if strengths.iter().any(|strength| *strength > 0.0) {
            settings = settings
                .with_strength(1.0)
                .with_replica_strengths(strengths.clone());
        }
        Ok(Self {
            learner: ContinualLearner::new(stack, &settings)?,
            optimizer: config.optimizer.init(config.momentum),
            strengths,
        })
    }

    /// One training step on a minibatch of `task`. Returns the losses too, `[replicas]`, outside autodiff.
    pub(super) fn step(
        mut self,
        task: &StackedTask,
        (images, labels): StackedBatch,
        learning_rate: f64,
    ) -> (Self, Tensor<1>) {
        let logits = self.learner.forward(images.autodiff());
        let losses = cross_entropy(task.masked(logits), labels);
        let grads = losses.clone().sum().backward();
        let grads = GradientsParams::from_grads(grads, &*self.learner);
        self.learner = self
            .learner
            .optimize(&mut self.optimizer, learning_rate, grads);
        (self, losses.inner())
    }

    /// Ends a task. Returns for each replica whether consolidation had no effect in it although it should have had one, or
    /// whether the replica diverged.
    pub(super) fn end_task(&mut self) -> Vec<bool> {
        let is_held_back = self.strengths.iter().map(|strength| *strength > 0.0);
        match self.learner.end_task() {
            None => vec![false; self.strengths.len()],
            Some(TaskWarning::Diverged) => {
                let have_diverged = self.have_diverged();
                if have_diverged.contains(&true) {
                    have_diverged
                } else {
                    is_held_back.collect()
                }
            }
            Some(_) => is_held_back.collect(),
        }
    }

    /// Whether numbers of each replica, or their importance, are infinite or NaN.
    fn have_diverged(&self) -> Vec<bool> {
        let num_replicas = self.strengths.len();
        let synapses = self.learner.regularizer().synapses();
        let tensors = synapses.into_iter().flat_map(|synapse| {
            let tensors = [Some(synapse.anchor::<3>()), synapse.importance::<3>()];
            tensors.into_iter().flatten()
        });
        let mut have_diverged = vec![false; num_replicas];
        for tensor in tensors {
            let values: Vec<f32> = tensor.into_data().iter().collect();
            let of_each = values.chunks(values.len() / num_replicas);
            for (has_diverged, values) in have_diverged.iter_mut().zip(of_each) {
                *has_diverged |= !values.iter().all(|value| value.is_finite());
            }
        }
        have_diverged
    }

    /// Resets the optimizer between tasks, as the config says, after `steps_done` steps.
    pub(super) fn reset_optimizer(&mut self, config: &ExperimentConfig, steps_done: usize) {
        let reset = config.reset_optimizer;
        reset.apply(&mut self.optimizer, config, steps_done);
    }

    /// What the method of each replica holds beside the network and the optimizer's state.
    pub(super) fn kept(&self) -> impl Iterator<Item = Kept> {
        let all = Kept::synapses(self.learner.regularizer());
        let of_one = all.of_one(self.strengths.len());
        self.strengths.iter().map(move |strength| {
            if *strength > 0.0 {
                of_one
            } else {
                Kept::default()
            }
        })
    }

    /// A checkpoint of it, with `progress`.
    pub(super) fn checkpoint(
        &self,
        progress: &impl Serialize,
    ) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::new(&self.learner, &self.optimizer, progress)
    }

    /// Restores the state of a [`checkpoint`](Self::checkpoint).
    pub(super) fn restore(self, checkpoint: &Checkpoint) -> Result<Self, CheckpointError> {
        let (learner, optimizer) = checkpoint.restore(self.learner, self.optimizer)?;
        Ok(Self {
            learner,
            optimizer,
            ..self
        })
    }
}
