//! Data sets: where they lie, how they are checked and read.

use serde::{Deserialize, Serialize};

/// A data set that tasks are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataSet {
    /// Handwritten digits, in the box.
    Mnist,
    /// Articles of clothing, from a folder or by download.
    FashionMnist,
}
