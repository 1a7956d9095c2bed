use burn::config::Config;
use serde::{Deserialize, Serialize};

use super::config::outside;
use super::detector::Kind;
use crate::Error;
use crate::boundary::BoundaryDetector;

/// A boundary every so many steps, whatever the losses are.
///
/// It is right where tasks have a known length. Elsewhere it cuts through tasks: what one taught is
/// then consolidated in parts, each measured from where the last one ended, and the part that spans two
/// tasks counts for both. Nothing is lost by that; but a synapse that moves a little in each part has a
/// smaller Δ² there, and so, the parts together, more importance than the whole would give.
///
/// | name | range | default |
/// |---|---|---|
/// | `num_steps` | ≥ 1 | none |
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub struct PeriodicDetectorConfig {
    /// Steps from one boundary to the next: ≥ 1. There is no default, since only the stream's length of
    /// a task says what it should be.
    pub num_steps: usize,
}

impl PeriodicDetectorConfig {
    /// Checks the value and makes a detector that has seen no loss yet.
    ///
    /// # Errors
    ///
    /// [`Error::BoundaryDetector`] if `num_steps` is 0.
    pub fn init(&self) -> Result<BoundaryDetector, Error> {
        BoundaryDetector::new(Kind::Periodic(Periodic {
            config: *self,
            num_steps: 0,
        }))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Periodic {
    pub(super) config: PeriodicDetectorConfig,
    /// Steps since the last boundary.
    num_steps: usize,
}

impl Periodic {
    pub(super) fn validate(&self) -> Result<(), Error> {
        match self.config.num_steps {
            0 => outside("num_steps", "≥ 1", 0),
            _ => Ok(()),
        }
    }

    pub(super) fn observe(&mut self) -> bool {
        let is_boundary = self.num_steps >= self.config.num_steps;
        if is_boundary {
            self.num_steps = 0;
        }
        self.num_steps += 1;
        is_boundary
    }
}
