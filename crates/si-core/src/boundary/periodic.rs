use burn::config::Config;
use serde::{Deserialize, Serialize};

use super::config::outside;
use super::detector::Kind;
use crate::Error;
use crate::boundary::BoundaryDetector;

/// A boundary after a fixed number of steps, whatever the losses are.
///
/// Use it if tasks have a known length. Otherwise boundaries fall inside tasks: a task is then consolidated in parts,
/// each measured from the end of the last one, and a part that spans two tasks counts for both. Nothing is lost, but
/// importance is larger: a synapse that moves a little in each part has a smaller Δ² there, so the parts together
/// give it more importance than the whole task would.
///
/// | name | range | default |
/// |---|---|---|
/// | `num_steps` | ≥ 1 | none |
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub struct PeriodicDetectorConfig {
    /// Steps from one boundary to the next: ≥ 1. There is no default because the right value is the length of
    /// a task in the stream.
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
