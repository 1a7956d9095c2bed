//! Measures of continual learning, over accuracies R\[i\]\[j\] on task j after training on task i,
//! and their statistics over seeds.

mod accuracy;
mod statistic;

pub use accuracy::AccuracyMatrix;
pub use statistic::{Statistic, Statistics};
