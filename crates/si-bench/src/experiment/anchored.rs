use burn::optim::GradientsParams;
use rand::RngExt;
use si_core::checkpoint::CheckpointError;
use si_core::importance::RunningImportance;
use si_core::{Checkpoint, QuadraticPenalty};

use crate::Error;
use crate::methods::{Anchor, AtEnd, Examples, Measure};
use crate::model::Network;

use super::cost::{Kept, PassCounter, Passes};
use super::device_task::{DeviceTask, IMAGES_AT_ONCE};
use super::random::{Purpose, generator};
use super::{ExperimentConfig, Measured};

/// A quadratic penalty in training, and what measures its importance.
pub(super) struct Anchored {
    penalty: QuadraticPenalty,
    measuring: Measuring,
    pub(super) passes: PassCounter,
}

enum Measuring {
    AtEnd(AtEnd),
    InSteps(RunningImportance),
}

/// A task that has just been learnt.
pub(super) struct Learnt<'a> {
    pub(super) task: &'a DeviceTask,
    /// Its place in the sequence, from 0.
    pub(super) index: usize,
    pub(super) config: &'a ExperimentConfig,
    pub(super) seed: u64,
}

impl Anchored {
    /// One that has not seen a task yet.
    pub(super) fn new(anchor: Anchor) -> Result<Self, Error> {
        let measuring = match anchor.measure {
            Measure::AtEnd(measure) => Measuring::AtEnd(measure),
            Measure::InSteps(measure) => Measuring::InSteps(RunningImportance::new(measure)?),
        };
        Ok(Self {
            penalty: anchor.penalty.init()?,
            measuring,
            passes: PassCounter::default(),
        })
    }

    /// A copy with the strength of `anchor`, which differs in nothing else.
    pub(super) fn copy_with(&self, anchor: Anchor) -> Result<Self, Error> {
        let mut penalty = self.penalty.clone();
        penalty.set_strength(anchor.penalty.strength)?;
        let measuring = match (&self.measuring, anchor.measure) {
            (Measuring::InSteps(running), _) => Measuring::InSteps(running.clone()),
            (Measuring::AtEnd(_), Measure::AtEnd(measure)) => Measuring::AtEnd(measure),
            (Measuring::AtEnd(_), Measure::InSteps(measure)) => {
                Measuring::InSteps(RunningImportance::new(measure)?)
            }
        };
        Ok(Self {
            penalty,
            measuring,
            passes: PassCounter::default(),
        })
    }

    /// Whether it measures importance by two minibatches in each step.
    pub(super) fn needs_second_batch(&self) -> bool {
        match &self.measuring {
            Measuring::AtEnd(_) => false,
            Measuring::InSteps(running) => running.measure().needs_second_gradient(),
        }
    }

    /// Takes what it measures from the gradients of the task loss, and adds those of the penalty. `second` are the
    /// gradients of another minibatch.
    pub(super) fn begin_step(
        &mut self,
        network: &Network,
        grads: GradientsParams,
        second: Option<&GradientsParams>,
    ) -> GradientsParams {
        if let Measuring::InSteps(running) = &mut self.measuring {
            match second {
                None => running.begin_step(network, &grads),
                Some(second) => running.begin_step_with(network, &grads, second),
            }
        }
        self.penalty.penalize(network, grads)
    }

    /// Sees the network after the optimizer's step.
    pub(super) fn end_step(&mut self, network: &Network) {
        if let Measuring::InSteps(running) = &mut self.measuring {
            running.end_step(network);
        }
    }

    /// Consolidates a task. Returns whether that had no effect. Reports the progress of measuring importance to `observe`,
    /// if it is measured now.
    pub(super) fn end_task(
        &mut self,
        network: &Network,
        learnt: &Learnt<'_>,
        observe: &mut dyn FnMut(Measured),
    ) -> Result<bool, Error> {
        let importance = match &mut self.measuring {
            Measuring::InSteps(running) => running.end_task(network),
            Measuring::AtEnd(measure) => {
                let (measured, num_images) =
                    learnt.examples(network, observe, |it| measure(network, it));
                self.passes.count(Passes::measured(num_images));
                match measured {
                    Ok(importance) => importance,
                    // A network that has diverged. The run goes on, and its record says so.
                    Err(error @ si_core::Error::Importance(_)) => {
                        log::warn!("task {}: {error}", learnt.index + 1);
                        return Ok(true);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        Ok(self.penalty.consolidate(network, &importance).is_some())
    }

    /// What it holds.
    pub(super) fn kept(&self, network: &Network) -> Kept {
        let pulls = self.penalty.pulls().into_iter();
        let of_penalty: Kept = pulls
            .flat_map(|pull| [pull.precision_primitive(), pull.anchor_primitive()])
            .map(Kept::tensor)
            .sum();
        let of_measure: Kept = match &self.measuring {
            Measuring::AtEnd(_) => Kept::default(),
            Measuring::InSteps(running) => {
                running.state_primitives(network).map(Kept::tensor).sum()
            }
        };
        [of_penalty, of_measure].into_iter().sum()
    }

    /// The checkpoint with its state.
    pub(super) fn save(
        &self,
        checkpoint: Checkpoint,
        network: &Network,
    ) -> Result<Checkpoint, CheckpointError> {
        let checkpoint = checkpoint.with_record(PENALTY, self.penalty.record(network))?;
        match &self.measuring {
            Measuring::AtEnd(_) => Ok(checkpoint),
            Measuring::InSteps(running) => {
                checkpoint.with_record(IMPORTANCE, running.record(network))
            }
        }
    }

    /// Restores the state that [`save`](Self::save) stored.
    pub(super) fn restore(
        self,
        checkpoint: &Checkpoint,
        network: &Network,
    ) -> Result<Self, CheckpointError> {
        let measuring = match self.measuring {
            Measuring::AtEnd(measure) => Measuring::AtEnd(measure),
            Measuring::InSteps(running) => {
                Measuring::InSteps(checkpoint.restore_running(IMPORTANCE, running, network)?)
            }
        };
        Ok(Self {
            penalty: checkpoint.restore_penalty(PENALTY, self.penalty, network)?,
            measuring,
            ..self
        })
    }
}

impl Learnt<'_> {
    /// Calls `measure` with examples of the task that are drawn at random. Also returns how many of their images it took.
    fn examples<T>(
        &self,
        network: &Network,
        observe: &mut dyn FnMut(Measured),
        measure: impl FnOnce(Examples<'_>) -> T,
    ) -> (T, usize) {
        let Self {
            task, config, seed, ..
        } = *self;
        let mut rng = generator(seed, Purpose::Importance { task: self.index });
        let at_once = match network {
            Network::Mlp(_) => IMAGES_AT_ONCE,
            // The images are processed one by one, which is slow.
            Network::Cnn(_) | Network::Progressive(_) => 10,
        };
        let drawn = task.draw(config.num_importance_images, &mut rng);
        let num_images = drawn.len();
        let mut num_done = 0;
        let mut images = drawn.images(at_once).inspect(|images| {
            observe(Measured {
                num_done,
                num_images,
            });
            num_done += images.dims()[0];
        });
        let outputs = task.seen_outputs.clone();
        let labels = drawn.labels().into_iter();
        let measured = measure(Examples {
            images: &mut images,
            labels: labels.map(|label| label - outputs.start).collect(),
            outputs,
            outputs_so_far: task.outputs_so_far.clone(),
            batch_size: config.batch_size,
            uniform: &mut || rng.random(),
        });
        drop(images);
        (measured, num_done)
    }
}

/// The record of the penalty in a checkpoint.
const PENALTY: &str = "penalty";
/// The record of what is measured in the steps.
const IMPORTANCE: &str = "importance";
