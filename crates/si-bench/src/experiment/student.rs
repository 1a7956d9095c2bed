use burn::optim::GradientsParams;
use burn::tensor::Device;
use rand::RngExt;
use serde::Serialize;
use si_core::checkpoint::CheckpointError;
use si_core::{Checkpoint, ContinualLearner, ElasticWeightConsolidation, SynapticOptimizer, ewc};

use crate::Error;
use crate::model::{CnnConfig, MlpConfig, Network, NetworkConfig};
use crate::task::TaskSequence;

use super::device_task::{Batch, DeviceTask, IMAGES_AT_ONCE};
use super::optimizer::adam_after;
use super::random::{Purpose, generator};
use super::{Condition, Experiment, ExperimentConfig, FisherLabels, Measured, OptimizerReset};

/// A network that learns, with the state of its method and its optimizer.
pub(super) struct Student {
    /// Measures path integrals for every method. Adds a penalty only for Synaptic Intelligence.
    pub(super) learner: ContinualLearner<Network>,
    elastic: Option<ElasticWeightConsolidation>,
    optimizer: SynapticOptimizer,
}

impl Student {
    /// One that has learnt nothing yet. `device` is on the autodiff side.
    pub(super) fn new(
        tasks: &TaskSequence,
        config: &ExperimentConfig,
        condition: &Condition,
        seed: u64,
        device: &Device,
    ) -> Result<Self, Error> {
        let mut rng = generator(seed, Purpose::InitialParameters);
        let network = network(tasks, config, condition).init(&mut rng, device);
        let elastic = config.elastic(condition);
        Ok(Self {
            learner: ContinualLearner::new(network, &config.synaptic_intelligence(condition))?,
            elastic: elastic.map(|elastic| elastic.init()).transpose()?,
            optimizer: config.optimizer.init(config.momentum),
        })
    }

    /// One training step.
    pub(super) fn step(mut self, batch: Batch, learning_rate: f64) -> Self {
        let loss = |network: &Network| batch.loss(network);
        self.learner = match &self.elastic {
            None => {
                self.learner
                    .step(&mut self.optimizer, learning_rate, loss)
                    .0
            }
            Some(elastic) => {
                let loss = loss(&self.learner);
                self.learner.regularizer_mut().observe_loss(&loss);
                let grads = GradientsParams::from_grads(loss.backward(), &*self.learner);
                let grads = elastic.penalize(&*self.learner, grads);
                self.learner
                    .optimize(&mut self.optimizer, learning_rate, grads)
            }
        };
        self
    }

    /// Ends the task `index`, which is the last of `learnt`. Returns whether consolidation had no
    /// effect in it although it should have had one. Reports the progress of measuring the Fisher
    /// information to `observe`, if the method needs it.
    pub(super) fn end_task(
        &mut self,
        learnt: &DeviceTask,
        index: usize,
        config: &ExperimentConfig,
        seed: u64,
        observe: &mut dyn FnMut(Measured),
    ) -> Result<bool, Error> {
        let mut inert = self.learner.end_task();
        if let Some(elastic) = &mut self.elastic {
            let mut rng = generator(seed, Purpose::Fisher { task: index });
            let num_images = learnt.train.len().min(config.num_fisher_images);
            let at_once = match &*self.learner {
                Network::Mlp(_) => IMAGES_AT_ONCE,
                // The images are processed one by one, which is slow.
                Network::Cnn(_) => 10,
            };
            let mut num_done = 0;
            let batches = learnt.draw(num_images, at_once, &mut rng);
            let batches = batches.inspect(|images| {
                observe(Measured {
                    num_done,
                    num_images,
                });
                num_done += images.dims()[0];
            });
            let mut uniform = || rng.random();
            let labels = match config.fisher_labels {
                FisherLabels::Exact => ewc::FisherLabels::Exact,
                FisherLabels::Sampled => ewc::FisherLabels::Sampled(&mut uniform),
            };
            let fisher = self.learner.fisher(batches, learnt.mask(), labels)?;
            inert = elastic.consolidate(&*self.learner, &fisher);
        }
        Ok(inert.is_some())
    }

    /// Resets the optimizer between tasks, as the config says, after `steps_done` steps.
    pub(super) fn reset_optimizer(&mut self, config: &ExperimentConfig, steps_done: usize) {
        match config.reset_optimizer {
            OptimizerReset::None => (),
            OptimizerReset::Moments => self.optimizer = adam_after(steps_done),
            OptimizerReset::All => self.optimizer = config.optimizer.init(config.momentum),
        }
    }

    /// Whether the learner's epoch reports include its penalty.
    pub(super) fn reports_penalty(&self) -> bool {
        self.elastic.is_none()
    }

    /// A checkpoint of its state, with `progress`.
    pub(super) fn checkpoint(
        &self,
        progress: &impl Serialize,
    ) -> Result<Checkpoint, CheckpointError> {
        let checkpoint = Checkpoint::new(&self.learner, &self.optimizer, progress)?;
        match &self.elastic {
            Some(elastic) => checkpoint.with_record(ELASTIC, elastic.record(&*self.learner)),
            None => Ok(checkpoint),
        }
    }

    /// Restores the state of a [`checkpoint`](Self::checkpoint).
    pub(super) fn restore(self, checkpoint: &Checkpoint) -> Result<Self, CheckpointError> {
        let (learner, optimizer) = checkpoint.restore(self.learner, self.optimizer)?;
        let elastic = self
            .elastic
            .map(|elastic| checkpoint.restore_elastic(ELASTIC, elastic, &*learner))
            .transpose()?;
        Ok(Self {
            learner,
            elastic,
            optimizer,
        })
    }
}

fn network(
    tasks: &TaskSequence,
    config: &ExperimentConfig,
    condition: &Condition,
) -> NetworkConfig {
    match (config.experiment, &config.hidden_sizes[..]) {
        (Experiment::SplitCifar, &[first, second, hidden_size]) => NetworkConfig::Cnn(CnnConfig {
            channels: [first, second],
            hidden_size,
            ..CnnConfig::paper(tasks.image_shape, tasks.num_outputs)
        }),
        _ => NetworkConfig::Mlp(MlpConfig {
            num_inputs: tasks.image_shape.iter().product(),
            hidden_sizes: config.hidden_sizes.clone(),
            num_outputs: tasks.num_outputs,
            activation: config.activation,
            dropout: condition.dropout,
            zero_readout: config.experiment.has_zero_readout(),
        }),
    }
}

/// The record of Elastic Weight Consolidation in a checkpoint.
const ELASTIC: &str = "elastic";
