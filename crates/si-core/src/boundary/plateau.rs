use burn::config::Config;
use serde::{Deserialize, Serialize};

use super::config::outside;
use super::detector::Kind;
use super::losses::Losses;
use crate::Error;
use crate::boundary::BoundaryDetector;

/// A boundary when the loss has settled: mean and variance of the latest losses are below their
/// thresholds. The next boundary comes only after the loss has had a peak (Aljundi, Kelchtermans and
/// Tuytelaars, *Task-Free Continual Learning*, 2019).
///
/// It consolidates while the task is still being learnt, at parameters that solve it and that the next
/// task has not moved yet. This has two drawbacks. What the rest of the task teaches enters the path
/// integrals of the next one, unless there is another boundary in between (see `num_deviations`). And a
/// task whose loss never settles is not consolidated at all.
///
/// The thresholds are in the unit of the loss, so set them for each problem: the mean a little above the
/// loss of a learnt task, the variance a little above its noise.
///
/// | name | range | default |
/// |---|---|---|
/// | `window` | ≥ 2 | 5 |
/// | `mean_threshold` | any finite number | 0.2 |
/// | `variance_threshold` | > 0 | 0.1 |
/// | `num_deviations` | ≥ 0 | 1 |
#[derive(Config, Debug, Copy, PartialEq)]
pub struct PlateauDetectorConfig {
    /// Number of losses over which mean and variance are taken: ≥ 2. Default 5, the common value in programs
    /// with this method. Noisy losses need more.
    #[config(default = 5)]
    pub window: usize,
    /// The mean must be below this, in the unit of the loss. Default 0.2, which suits a cross entropy that gets
    /// near zero.
    #[config(default = 0.2)]
    pub mean_threshold: f64,
    /// The variance must be below this, in squared units of the loss: > 0. Default 0.1.
    #[config(default = 0.1)]
    pub variance_threshold: f64,
    /// A peak is a mean that exceeds the last plateau's mean by more than this many of that plateau's standard
    /// deviations: ≥ 0. Default 1, the common value in programs with this method: noise then sometimes counts as
    /// a peak, and the plateau is consolidated again with what was learnt on it since. With 3 or more, and a
    /// window of 10 or more, there is one boundary per task, when the loss first settles.
    #[config(default = 1.0)]
    pub num_deviations: f64,
}

impl PlateauDetectorConfig {
    /// Checks the values and makes a detector that has seen no loss yet.
    ///
    /// # Errors
    ///
    /// [`Error::BoundaryDetector`], which names the setting, if a value is outside its range.
    pub fn init(&self) -> Result<BoundaryDetector, Error> {
        BoundaryDetector::new(Kind::Plateau(Plateau {
            config: *self,
            window: Losses::default(),
            peak_above: None,
        }))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Plateau {
    pub(super) config: PlateauDetectorConfig,
    window: Losses,
    /// The mean that must be exceeded before there can be another plateau. `None` once it was exceeded, and
    /// before the first plateau.
    peak_above: Option<f64>,
}

impl Plateau {
    pub(super) fn validate(&self) -> Result<(), Error> {
        let config = &self.config;
        if config.window < 2 {
            return outside("window", "≥ 2", config.window);
        }
        if !config.mean_threshold.is_finite() {
            return outside("mean_threshold", "a finite number", config.mean_threshold);
        }
        if !(config.variance_threshold.is_finite() && config.variance_threshold > 0.0) {
            let value = config.variance_threshold;
            return outside("variance_threshold", "a finite number > 0", value);
        }
        if !(config.num_deviations.is_finite() && config.num_deviations >= 0.0) {
            let value = config.num_deviations;
            return outside("num_deviations", "a finite number ≥ 0", value);
        }
        Ok(())
    }

    pub(super) fn observe(&mut self, loss: f64) -> bool {
        let config = &self.config;
        self.window.push(loss, config.window);
        if self.window.len() < config.window {
            return false;
        }
        let (mean, variance) = self.window.moments();
        if self.peak_above.is_some_and(|peak| mean > peak) {
            self.peak_above = None;
        }
        let is_plateau = self.peak_above.is_none()
            && mean < config.mean_threshold
            && variance < config.variance_threshold;
        if is_plateau {
            self.peak_above = Some(mean + config.num_deviations * variance.sqrt());
        }
        is_plateau
    }
}
