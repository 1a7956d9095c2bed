use burn::config::Config;
use serde::{Deserialize, Serialize};

use super::config::outside;
use super::detector::Kind;
use super::losses::Losses;
use crate::Error;
use crate::boundary::BoundaryDetector;

/// A boundary where the loss has settled: mean and variance of the latest losses are below their
/// thresholds. After that, none until the loss has had a peak (Aljundi, Kelchtermans and Tuytelaars,
/// *Task-Free Continual Learning*, 2019).
///
/// It consolidates while the task is still being learnt, at parameters that solve it: nothing of the
/// next task has touched them yet. The price is that what the rest of the task teaches enters the
/// path integrals of the next one, unless it is noticed in between (`num_deviations`), and that a task whose
/// loss never settles is not consolidated at all.
/// The thresholds are in the unit of the loss, so they are to be set for each problem: the mean a
/// little above what the loss of a learnt task comes to, the variance a little above its noise.
///
/// | name | range | default |
/// |---|---|---|
/// | `window` | ≥ 2 | 5 |
/// | `mean_threshold` | any finite number | 0.2 |
/// | `variance_threshold` | > 0 | 0.1 |
/// | `num_deviations` | ≥ 0 | 1 |
#[derive(Config, Debug, Copy, PartialEq)]
pub struct PlateauDetectorConfig {
    /// Number of losses that mean and variance are taken of: ≥ 2. Default 5, which programs with this
    /// method share; noisy losses need more.
    #[config(default = 5)]
    pub window: usize,
    /// The mean must be below it. Default 0.2, which suits a cross entropy that gets near zero.
    #[config(default = 0.2)]
    pub mean_threshold: f64,
    /// The variance, in squared units of the loss, must be below it: > 0. Default 0.1.
    #[config(default = 0.1)]
    pub variance_threshold: f64,
    /// A peak is a mean that exceeds the last plateau's by more than this many of its standard
    /// deviations: ≥ 0. Default 1, which programs with this method share: noise passes for a peak now and
    /// then, and a plateau is consolidated again with what was learnt on it since. With 3 or more and a
    /// window of 10 or more it is once in a task, at the first settling.
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
    /// The mean that has to be exceeded before there can be another plateau. None when it was, and
    /// before the first.
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
