//! Optimizers with the method built in.
//!
//! | type | what it is | consolidates |
//! |---|---|---|
//! | [`SynapticAdam`], [`SynapticAdamW`], [`SynapticSgd`] | an update of one parameter that can include the method in the same pass | for a [`ContinualLearner`](crate::ContinualLearner): in one pass in a [`SynapticOptimizer`], in separate passes in Burn's `ModuleOptimizer` |
//! | [`SynapticOptimizer`] | an optimizer for a whole module, made of one of these or of any of Burn's | for a [`ContinualLearner`](crate::ContinualLearner) |
//! | [`Synaptic`] | the method around any of Burn's optimizers of one parameter | by itself |

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
