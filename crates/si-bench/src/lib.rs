#![warn(missing_docs)]

//! Benchmarks of continual learning: data sets, task sequences, experiments, metrics and reports.

pub mod data;
mod error;
pub mod experiment;
pub mod metrics;

pub use error::Error;
