use burn::config::Config;
use serde::{Deserialize, Serialize};

use super::config::outside;
use super::detector::Kind;
use super::losses::Losses;
use crate::Error;
use crate::boundary::BoundaryDetector;

/// A boundary when the loss jumps up: each of the latest losses exceeds the mean of those before by
/// several of their standard deviations, so a new task has begun.
///
/// It notices the end of a task by the beginning of the next one. By then some steps on the new task were
/// taken: `window − 1`, if each loss is observed before its step
/// ([`Boundary::num_late_steps`](crate::boundary::Boundary::num_late_steps)). Anchors are the parameters after
/// these steps. With a window of 1 there are none, and consolidation is exact, but a single bad batch counts
/// as a new task. The late steps are part of the ended task's path integral. They matter little there: a few
/// steps among hundreds.
///
/// The loss must rise. A new task that the module already solves goes unnoticed, which is acceptable. A task that
/// comes in gradually also goes unnoticed, and is consolidated together with the old one. The threshold is
/// relative to the deviation of the losses, so the settings fit any loss in any unit. The deviation counts as
/// at least a tenth of the mean, so that rounding causes no boundary if the loss has no noise.
///
/// | name | range | default |
/// |---|---|---|
/// | `window` | ≥ 1 | 3 |
/// | `reference` | ≥ 2 | 30 |
/// | `num_deviations` | > 0 | 4 |
#[derive(Config, Debug, Copy, PartialEq)]
pub struct ShiftDetectorConfig {
    /// Number of consecutive losses that must all be high: ≥ 1. Default 3: a batch that is hard by chance does
    /// not count as a new task, and the boundary is two steps late.
    #[config(default = 3)]
    pub window: usize,
    /// Number of earlier losses that they are compared with: ≥ 2. After the start and after each boundary, no
    /// boundary is noticed until there are this many, so tasks must be longer than this. Default 30: with fewer,
    /// the standard deviation is itself uncertain; with more, it includes much of the task's beginning, when the
    /// loss was higher.
    #[config(default = 30)]
    pub reference: usize,
    /// A loss is high if it exceeds the mean by more than this many standard deviations: > 0. Default 4, because
    /// losses near zero have a long upper tail.
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

/// The smallest standard deviation that is used, as a share of the mean.
const LEAST_DEVIATION: f64 = 0.1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Shift {
    pub(super) config: ShiftDetectorConfig,
    reference: Losses,
    /// Consecutive high losses after the reference.
    high: Losses,
    /// The step of the first of these losses.
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

    /// Returns the step of the new task's first loss, if a new task is noticed.
    pub(super) fn observe(&mut self, loss: f64, step: usize) -> Option<usize> {
        let config = self.config;
        if self.reference.len() < config.reference || !self.is_high(loss) {
            // Fewer high losses than the window belong to the current task, like any others.
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
        // They are the first losses of the new task.
        self.reference = core::mem::take(&mut self.high);
        Some(self.high_since)
    }

    fn is_high(&self, loss: f64) -> bool {
        let (mean, variance) = self.reference.moments();
        let deviation = variance.sqrt().max(LEAST_DEVIATION * mean.abs());
        loss > mean + self.config.num_deviations * deviation
    }
}
