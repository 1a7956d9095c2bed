use burn::config::Config;

use crate::Error;
use crate::boundary::{
    BoundaryDetector, PeriodicDetectorConfig, PlateauDetectorConfig, ShiftDetectorConfig,
};

/// The detector that decides when a task has ended, and its settings. Use it to keep the choice in a
/// file; otherwise, each of the three configurations has an `init` too.
#[derive(Config, Debug, Copy, PartialEq)]
pub enum BoundaryDetectorConfig {
    /// After a fixed number of steps.
    Periodic(PeriodicDetectorConfig),
    /// When the loss has settled (Aljundi, Kelchtermans and Tuytelaars 2019).
    Plateau(PlateauDetectorConfig),
    /// When the loss jumps up.
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

/// The error for a setting whose value is not `allowed`.
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
