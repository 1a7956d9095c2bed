use burn::config::Config;

use crate::Error;
use crate::boundary::{
    BoundaryDetector, PeriodicDetectorConfig, PlateauDetectorConfig, ShiftDetectorConfig,
};

/// Which detector decides that a task has ended, and its settings: for a program that keeps the choice
/// in a file. Each of the three has an `init` of its own.
#[derive(Config, Debug, Copy, PartialEq)]
pub enum BoundaryDetectorConfig {
    /// Every so many steps.
    Periodic(PeriodicDetectorConfig),
    /// Where the loss has settled (Aljundi, Kelchtermans and Tuytelaars 2019).
    Plateau(PlateauDetectorConfig),
    /// Where the loss jumps up.
    Shift(ShiftDetectorConfig),
}

impl BoundaryDetectorConfig {
    /// Checks the values and makes a detector that has seen no loss yet.
    ///
    /// # Errors
    ///
    /// [`Error::BoundaryDetector`], which names the setting, if a value is outside its range.
    pub fn init(&self) -> Result<BoundaryDetector, Error> {
        match self {
            Self::Periodic(config) => config.init(),
            Self::Plateau(config) => config.init(),
            Self::Shift(config) => config.init(),
        }
    }
}

/// The error of a setting whose value is not `allowed`.
pub(super) fn outside(
    setting: &'static str,
    allowed: &'static str,
    value: impl ToString,
) -> Result<(), Error> {
    let value = value.to_string();
    Err(Error::BoundaryDetector {
        setting,
        allowed,
        value,
    })
}
