//! What of the past is worth keeping: how much each parameter matters, measured at the end of a task.
//!
//! Each source gives an [`Importance`], which a [`QuadraticPenalty`](crate::QuadraticPenalty) takes. Synaptic
//! Intelligence measures its importance during training instead; see [`SynapticIntelligence`](crate::SynapticIntelligence).
//!
//! | source | importance of a parameter |
//! |---|---|
//! | [`fisher()`], [`fisher_of_regression`] | how much the predictions change: Fisher information |
//! | [`sensitivity()`] | how much the outputs change |
//! | [`constant()`] | 1 |
//! | [`from_gradients`] | any mean of squares or magnitudes of gradients |

mod constant;
mod fisher;
mod fisher_labels;
mod gradients;
mod sensitivity;
mod values;

pub use constant::constant;
pub use fisher::{fisher, fisher_of_regression};
pub use fisher_labels::FisherLabels;
pub use gradients::{Power, from_gradients};
pub use sensitivity::sensitivity;
pub use values::Importance;
