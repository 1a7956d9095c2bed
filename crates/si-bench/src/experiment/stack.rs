//! Several runs that are trained at once, as one stack of [replicas](si_core::replicas).

mod checkpoint;
mod grouping;
mod journals;
mod student;
mod task;
mod training;

use std::time::Instant;

use burn::tensor::Device;

use crate::task::TaskSequence;
use crate::{Error, device};

use super::tasks::tasks_of_each;
use super::{Checkpointing, Condition, ExperimentConfig, Progress, Run, RunRecord};

use training::StackedTraining;

/// Several runs of an experiment, trained at once as a stack of [replicas](si_core::replicas).
///
/// On a GPU, a step of a small network takes as long as the host takes to start its operations. So many runs of it at once
/// take about as long as one. Each run learns as with [`Run`], within rounding: it has the same initial parameters and the same
/// images in the same order. Its record lacks the penalty of its epochs, which is measured for all replicas together.
/// Its record is inert only if consolidation had no effect in any run of the stack, or if the run itself diverged.
///
/// [`ExperimentConfig::in_stacks`] says which runs can be trained at once.
#[derive(Clone, Debug)]
pub struct StackedRuns<'a> {
    /// The protocol.
    pub config: &'a ExperimentConfig,
    /// Condition and seed of each run, in the order of the replicas.
    pub runs: &'a [(Condition, u64)],
    /// Where to write checkpoints of the whole stack and to resume from the last one.
    pub checkpoints: Option<Checkpointing>,
}

impl StackedRuns<'_> {
    /// Trains and evaluates all runs, or resumes that. Returns a record of each, in the order of `runs`.
    ///
    /// Calls `observe` as [`Run::train`] does. A step is one of the whole stack. One run alone is trained by [`Run`].
    ///
    /// # Errors
    ///
    /// Those of [`Run::train`], and [`Error::Config`] if these runs cannot be trained at once.
    pub fn train(&self, observe: &mut dyn FnMut(Progress)) -> Result<Vec<RunRecord>, Error> {
        match self.runs {
            [] => Ok(Vec::new()),
            [(condition, seed)] => {
                let run = Run {
                    config: self.config,
                    condition,
                    seed: *seed,
                    checkpoints: self.checkpoints.clone(),
                };
                Ok(vec![run.train(observe)?])
            }
            runs => {
                let device = device(&self.config.device)?;
                let seeds = runs.iter().map(|(_, seed)| *seed);
                let tasks = tasks_of_each(self.config, seeds)?;
                self.train_on(&tasks, &device, observe)
            }
        }
    }

    /// Like [`train`](Self::train), for several runs, with given tasks of each and a given device.
    fn train_on(
        &self,
        tasks: &[TaskSequence],
        device: &Device,
        observe: &mut dyn FnMut(Progress),
    ) -> Result<Vec<RunRecord>, Error> {
        let kind = self.config.kind_of_stack(self.runs)?;
        let products = self.config.measure_products(device)?;
        let start = Instant::now();
        let training = StackedTraining::new(self, kind.regime, tasks, device.clone().inner())?;
        let journals = training.train(start, observe)?;
        let matmul_error = products.map(|measured| measured.error);
        let runs = self.runs.iter().zip(journals);
        runs.map(|((condition, seed), journal)| {
            journal.into_record(self.config, (condition, *seed), matmul_error)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests;
