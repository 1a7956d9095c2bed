//! Uses importance: a penalty pulls each parameter back to its value at a task's end.
//!
//! A [`QuadraticPenalty`] takes any [`Importance`](crate::Importance). A method of a paper is one source of importance
//! with one [preset](QuadraticPenaltyConfig) of the penalty:
//!
//! | method | importance | penalty |
//! |---|---|---|
//! | Elastic Weight Consolidation (Kirkpatrick et al. 2017) | [`fisher`](crate::importance::fisher()) | [`ewc`](QuadraticPenaltyConfig::ewc) |
//! | online Elastic Weight Consolidation (Schwarz et al. 2018) | [`fisher`](crate::importance::fisher()) | [`online_ewc`](QuadraticPenaltyConfig::online_ewc) |
//! | Elastic Weight Consolidation Done Right (Liu and Chang 2026) | [`from_outputs`](crate::importance::from_outputs) of [`ReversedLogLikelihood`](crate::importance::Quantity::ReversedLogLikelihood), [`at_most`](crate::Importance::at_most) 1e-4 | [`ewc_done_right`](QuadraticPenaltyConfig::ewc_done_right) |
//! | Memory Aware Synapses (Aljundi et al. 2018) | [`sensitivity`](crate::importance::sensitivity()) | [`mas`](QuadraticPenaltyConfig::mas) |
//! | absolute Fisher information (Benzing 2022) | [`from_outputs`](crate::importance::from_outputs) of [`LogLikelihood`](crate::importance::Quantity::LogLikelihood), [`Power::Magnitude`](crate::importance::Power::Magnitude) | [`new`](QuadraticPenaltyConfig::new) |
//! | root of the Fisher information (Benzing 2022) | [`fisher`](crate::importance::fisher()), [`sqrt`](crate::Importance::sqrt) | [`new`](QuadraticPenaltyConfig::new) |
//! | Second-Order Synapses (Benzing 2022) | [`RunningImportance`](crate::importance::RunningImportance) of [`SecondMoment`](crate::importance::RunningMeasure::SecondMoment) or [`NoiseMoment`](crate::importance::RunningMeasure::NoiseMoment) | [`new`](QuadraticPenaltyConfig::new) |
//! | Synaptic Intelligence without its bias, or its bias alone (Benzing 2022) | [`RunningImportance`](crate::importance::RunningImportance) of [`UnbiasedPath`](crate::importance::RunningMeasure::UnbiasedPath) or [`PathBias`](crate::importance::RunningMeasure::PathBias) | [`new`](QuadraticPenaltyConfig::new) |
//! | Riemannian Walk (Chaudhry et al. 2018) | [`RunningImportance`](crate::importance::RunningImportance) of [`RiemannianWalk`](crate::importance::RunningMeasure::RiemannianWalk) | [`new`](QuadraticPenaltyConfig::new) with [`Joining::Replace`] |
//! | L2 anchor | [`constant`](crate::importance::constant()) | [`l2`](QuadraticPenaltyConfig::l2) |

mod config;
mod penalty;
mod presets;
mod pull;
mod record;
mod step;

pub use crate::normalization::Normalization;
pub use config::{Joining, QuadraticPenaltyConfig};
pub use penalty::QuadraticPenalty;
pub use pull::QuadraticPull;
