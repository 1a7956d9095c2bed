use burn::config::Config;
use serde::{Deserialize, Serialize};

use super::config::outside;
use super::detector::Kind;
use super::losses::Losses;
use crate::Error;
use crate::boundary::BoundaryDetector;

/// A boundary where the loss jumps up: each of the latest losses exceeds the mean of those before by
/// several of their standard deviations, so a new task has begun.
///
/// It notices a task's end by the next one's beginning. Steps on the new task were taken by then,
/// `window − 1` of them if each loss is observed before its step
/// ([`Boundary::num_late_steps`](crate::boundary::Boundary::num_late_steps)), and anchors are where those have led to. With a
/// window of 1 there are none, and consolidation is exact; but then a single bad batch
/// is taken for a new task. The steps that came too late are part of the ended task's path
/// integral, where they count little: a few steps among hundreds.
///
/// The loss must rise. A new task that the module already solves passes unnoticed, as it may; one that
/// comes in little by little does too, and is then consolidated with the old one. The deviations are of
/// the losses themselves, so the settings hold for any loss in any unit, and they count as at least a
/// tenth of the mean, so that a loss without noise is not set off by rounding.
///
/// | name | range | default |
/// |---|---|---|
/// | `window` | ≥ 1 | 3 |
/// | `reference` | ≥ 2 | 30 |
/// | `num_deviations` | > 0 | 4 |
#[derive(Config, Debug, Copy, PartialEq)]
pub struct ShiftDetectorConfig {
    /// Number of losses in a row that must all be high: ≥ 1. Default 3: a batch that is hard by chance
    /// is no new task, and two steps come too late.
    #[config(default = 3)]
    pub window: usize,
    /// Number of losses before them that they are compared with: ≥ 2. No boundary is noticed until there
    /// are so many, after the stream's start and after each boundary, so a task must be longer
    /// than that. Default 30: the standard deviation of fewer is itself uncertain, and of more holds
    /// much of the task's beginning, when the loss was higher.
    #[config(default = 30)]
    pub reference: usize,
    /// A loss is high if it exceeds the mean by more than this many standard deviations: > 0. Default
    /// 4: losses near zero have a long tail upwards.
    #[config(default = 4.0)]
    pub num_deviations: f64,
}

impl ShiftDetectorConfig {
    /// Checks the values and makes a detector that has seen no loss yet.
    ///
    /// # Errors
    ///
    /// [`Error::BoundaryDetector`], which names the setting, if a value is outside its range.
    pub fn init(&self) -> Result<BoundaryDetector, Error> {
        BoundaryDetector::new(Kind::Shift(Shift {
            config: *self,
            reference: Losses::default(),
            high: Losses::default(),
            high_since: 0,
        }))
    }
}

/// The least standard deviation, as a share of the mean.
const LEAST_DEVIATION: f64 = 0.1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Shift {
    pub(super) config: ShiftDetectorConfig,
    reference: Losses,
    /// High losses that came after the reference, one after the other.
    high: Losses,
    /// The step of the first of them.
    high_since: usize,
}

impl Shift {
    pub(super) fn validate(&self) -> Result<(), Error> {
        let config = &self.config;
        if config.window < 1 {
            return outside("window", "≥ 1", config.window);
        }
        if config.reference < 2 {
            return outside("reference", "≥ 2", config.reference);
        }
        if !(config.num_deviations.is_finite() && config.num_deviations > 0.0) {
            let value = config.num_deviations;
            return outside("num_deviations", "a finite number > 0", value);
        }
        Ok(())
    }

    /// Returns the step of the new task's first loss, where it is noticed.
    pub(super) fn observe(&mut self, loss: f64, step: usize) -> Option<usize> {
        let config = self.config;
        if self.reference.len() < config.reference || !self.is_high(loss) {
            // High losses that were only a few belong to the task like any other.
            for loss in self.high.take().chain([loss]) {
                self.reference.push(loss, config.reference);
            }
            return None;
        }
        if self.high.len() == 0 {
            self.high_since = step;
        }
        self.high.push(loss, config.window);
        if self.high.len() < config.window {
            return None;
        }
        // They are the first of the new task.
        self.reference = core::mem::take(&mut self.high);
        Some(self.high_since)
    }

    fn is_high(&self, loss: f64) -> bool {
        let (mean, variance) = self.reference.moments();
        let deviation = variance.sqrt().max(LEAST_DEVIATION * mean.abs());
        loss > mean + self.config.num_deviations * deviation
    }
}
