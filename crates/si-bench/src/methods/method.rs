use core::fmt;
use std::collections::BTreeMap;

use super::Parts;
use crate::experiment::{Experiment, ExperimentConfig};
pub(super) use crate::range::Range;

/// A method: one row of [`METHODS`](super::METHODS).
pub struct Method {
    /// Its name in files and on the command line. Unique.
    pub key: &'static str,
    /// Its name in sentences.
    pub title: &'static str,
    /// Its name in tables and figures, before its parameters.
    pub label: &'static str,
    /// Its paper. Empty for a plain comparison.
    pub source: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Its numbers. Their keys are unique.
    pub parameters: &'static [Parameter],
    /// What it is made of, given a value for each parameter.
    pub parts: fn(&Values) -> Parts,
}

/// A value for each parameter of a method, by key.
pub type Values = BTreeMap<String, f64>;

/// A number that a method has.
pub struct Parameter {
    /// Its name in files and on the command line.
    pub key: &'static str,
    /// Its symbol in tables and figures.
    pub symbol: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// The values that it can have.
    pub range: Range,
    /// Its value if none is given. `None` if one must be given.
    pub default: Option<fn(&ExperimentConfig) -> f64>,
    /// Whether tables and figures always show it, as they do for the strength of a penalty.
    pub is_strength: bool,
    /// The values that `si sweep` tries.
    pub search: fn(Experiment) -> &'static [f64],
}

impl Method {
    /// Its strength, if it has one.
    pub fn strength(&self) -> Option<&'static Parameter> {
        self.parameters.iter().find(|it| it.is_strength)
    }
}

impl PartialEq for Method {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)
    }
}
