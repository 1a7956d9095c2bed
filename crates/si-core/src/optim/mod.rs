//! Optimizers whose update, penalty and path integral are one pass over memory.

mod adam;
mod continual;
mod handover;
mod offered;
mod sgd;
#[cfg(test)]
mod tests;

pub use adam::{SynapticAdam, SynapticAdamConfig};
pub use continual::{ContinualOptimizer, SynapticOptimizer};
pub use sgd::{SynapticSgd, SynapticSgdConfig, SynapticSgdState};
