//! Measures of continual learning, over accuracies R\[i\]\[j\] on task j after training on task i,
//! and their statistics over seeds.

mod comparison;
mod correlation;
mod statistic;
mod student;

pub use comparison::{Claimed, Difference, Verdict};
pub use correlation::{LayerCorrelations, pearson};
pub use si_core::measures::AccuracyMatrix;
pub use statistic::{Statistic, Statistics};
