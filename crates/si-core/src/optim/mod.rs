//! Optimizers with the method built in: in one pass over memory, or in separate passes around any optimizer.

mod adam;
mod continual;
mod update_slot;
mod with_synapses;

mod sgd;
mod synaptic;
#[cfg(test)]
mod tests;

pub use adam::{SynapticAdam, SynapticAdamConfig};
#[cfg(feature = "train")]
pub(crate) use continual::forget_reshaped;
pub use continual::{ContinualOptimizer, SynapticOptimizer};
pub use sgd::{SynapticSgd, SynapticSgdConfig, SynapticSgdState};
pub use synaptic::{Synaptic, SynapticState, TaskControl};
