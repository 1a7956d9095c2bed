//! Optimizers with the method built in: in one pass over memory, or in separate passes around any optimizer.

mod adam;
mod adamw;
mod continual;
mod optimizer;
mod record;
mod rule;
mod sgd;
mod step;
mod synaptic;
#[cfg(test)]
mod tests;

pub use adam::{SynapticAdam, SynapticAdamConfig};
pub use adamw::{SynapticAdamW, SynapticAdamWConfig};
pub use continual::ContinualOptimizer;
#[cfg(feature = "train")]
pub(crate) use continual::forget_reshaped;
pub use optimizer::SynapticOptimizer;
pub use sgd::{SynapticSgd, SynapticSgdConfig, SynapticSgdState};
pub use synaptic::{Synaptic, SynapticState, TaskControl};
