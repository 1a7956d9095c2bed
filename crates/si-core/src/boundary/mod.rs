//! Finds where a task ends in a stream that does not say so.

mod config;
mod detector;
mod losses;
mod periodic;
mod plateau;
mod shift;

pub use config::BoundaryDetectorConfig;
pub use detector::{Boundary, BoundaryDetector};
pub use periodic::PeriodicDetectorConfig;
pub use plateau::PlateauDetectorConfig;
pub use shift::ShiftDetectorConfig;

#[cfg(test)]
mod tests;
