use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// The latest losses of a stream. All are finite.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Losses(VecDeque<f64>);

impl Losses {
    /// Adds a loss and removes the oldest ones, so that at most `capacity` remain.
    pub(super) fn push(&mut self, loss: f64, capacity: usize) {
        self.0.push_back(loss);
        while self.0.len() > capacity {
            self.0.pop_front();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Removes and returns all losses, oldest first.
    pub(super) fn take(&mut self) -> impl Iterator<Item = f64> + use<> {
        core::mem::take(&mut self.0).into_iter()
    }

    /// Mean and variance (the latter with divisor n). The sums are computed afresh each time, so that no
    /// rounding error is carried from one window to the next.
    pub(super) fn moments(&self) -> (f64, f64) {
        let num_losses = self.0.len().max(1) as f64;
        let mean = self.0.iter().sum::<f64>() / num_losses;
        let squares = self.0.iter().map(|loss| (loss - mean) * (loss - mean));
        (mean, squares.sum::<f64>() / num_losses)
    }
}
