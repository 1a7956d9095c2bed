//! Benchmarks of continual learning: data sets, task sequences, experiments, metrics and reports.

pub mod data;
mod device;
mod error;
pub mod experiment;
#[cfg(test)]
mod fixture;
pub mod metrics;
pub mod model;
pub mod report;
pub mod task;

pub use device::{BackendInfo, available, device};
pub use error::Error;
