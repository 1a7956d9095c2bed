//! Measures importance: how much each parameter matters, at the end of a task or in its steps.
//!
//! Each source gives an [`Importance`], which a [`QuadraticPenalty`](crate::QuadraticPenalty) uses. Synaptic
//! Intelligence is a separate type; see [`SynapticIntelligence`](crate::SynapticIntelligence).
//!
//! | source | importance of a parameter |
//! |---|---|
//! | [`fisher()`], [`fisher_of_regression`] | how much the predictions change: Fisher information |
//! | [`sensitivity()`] | how much the outputs change |
//! | [`constant()`] | 1 |
//! | [`from_outputs`] | the mean of squares or magnitudes of a [`Quantity`]'s gradient: the general form of the above |
//! | [`from_gradients`] | the same for any number that you compute |
//! | [`RunningImportance`] | what the gradients of the training were, without passes at the task's end |

mod constant;
mod fisher;
mod fisher_labels;
mod gradients;
mod quantity;
mod running;
mod sensitivity;
mod values;

pub use constant::constant;
pub use fisher::{fisher, fisher_of_regression};
pub use fisher_labels::FisherLabels;
pub use gradients::{Power, from_gradients, from_outputs};
pub use quantity::Quantity;
pub use running::{RunningImportance, RunningMeasure};
pub use sensitivity::sensitivity;
pub use values::Importance;
