//! Measures of continual learning: what was learnt, forgotten and transferred, from accuracies on every task.

mod accuracy;
mod stability;

pub use accuracy::AccuracyMatrix;
pub use stability::Stability;
