use std::mem;

use burn::tensor::Device;

use crate::Error;

use super::journal::Journal;
use super::{ExperimentConfig, Measured, Progress};

/// Tells an observer how far the run is.
pub(super) struct Reporter<'o> {
    observe: &'o mut dyn FnMut(Progress),
    /// Training steps of the whole run, if every strength is accepted at once.
    num_steps: usize,
    has_stepped: bool,
}

impl<'o> Reporter<'o> {
    pub(super) fn new(observe: &'o mut dyn FnMut(Progress), num_steps: usize) -> Self {
        Self {
            observe,
            num_steps,
            has_stepped: false,
        }
    }

    /// Whether this is called for the first time.
    pub(super) fn is_first_step(&mut self) -> bool {
        !mem::replace(&mut self.has_stepped, true)
    }

    pub(super) fn report(&mut self, journal: &Journal) {
        let progress = self.progress(journal);
        (self.observe)(progress);
    }

    /// Reports the first step of this process, and about a hundred others of the whole run.
    pub(super) fn report_step(&mut self, journal: &Journal, is_first: bool) {
        if is_first
            || journal
                .steps_done
                .is_multiple_of((self.num_steps / 100).max(1))
        {
            self.report(journal);
        }
    }

    pub(super) fn report_measured(&mut self, journal: &Journal, measured: Measured) {
        let progress = Progress {
            measured: Some(measured),
            ..self.progress(journal)
        };
        (self.observe)(progress);
    }

    fn progress(&self, journal: &Journal) -> Progress {
        Progress {
            task: journal.lesson,
            epoch: journal.epoch,
            steps_done: journal.steps_done + journal.steps_free + journal.steps_refused,
            steps_total: self.num_steps + journal.steps_refused,
            measured: None,
        }
    }
}

impl ExperimentConfig {
    /// Returns when the first step is done, if its kernels are compiled for it.
    pub(super) fn wait_for_kernels(&self, device: &Device) -> Result<(), Error> {
        if self.prepares_kernels() {
            self.wait_for_steps(device)?;
        }
        Ok(())
    }

    /// Returns when `device` has done all steps that it was given.
    pub(super) fn wait_for_steps(&self, device: &Device) -> Result<(), Error> {
        device.sync().map_err(|source| Error::Step {
            device: self.device.clone(),
            source,
        })
    }
}
