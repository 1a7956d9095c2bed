//! Measures of continual learning, over accuracies R[i][j] on task j after training on task i.

use serde::{Deserialize, Serialize};

/// Accuracies R[i][j] on task j after training on task i, each in `[0, 1]`; `[tasks][tasks]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccuracyMatrix(pub Vec<Vec<f64>>);
