//! Benchmarks of continual learning: data sets, task sequences, experiments, metrics and reports.

mod alternatives;
mod claim;
pub mod comparison;
pub mod data;
mod descent;
mod device;
mod error;
pub mod experiment;
#[cfg(test)]
mod fixture;
pub mod frontier;
pub mod inspect;
mod kernels;
pub mod methods;
pub mod metrics;
pub mod model;
mod processor;
mod range;
mod read_toml;
mod replace_file;
pub mod report;
pub mod repro;
pub mod schematic;
mod suggestion;
mod surroundings;
pub mod task;
pub mod theory;

pub use device::{
    AUTO, BackendInfo, DeviceInfo, available, compiled_backends, device, device_info, is_cpu,
    keeps_to_its_threads, resolve_device,
};
pub use error::Error;
pub use kernels::{KeptKernels, check_kernels_are_kept, keep_kernels, kept_kernels};
pub use processor::processor;
pub use range::Range;
pub use read_toml::read_toml;
pub use replace_file::replace_file;
pub use surroundings::{TUNABLES, in_pool, keep_buffers};
