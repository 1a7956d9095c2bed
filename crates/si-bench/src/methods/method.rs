use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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

/// A value for each parameter of a method, by key. That of a word is its place in [`Range::OneOf`].
pub type Values = BTreeMap<String, f64>;

/// A value of a parameter as files have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Written {
    Number(f64),
    Word(String),
}

impl From<&str> for Written {
    fn from(text: &str) -> Self {
        match text.parse() {
            Ok(number) => Self::Number(number),
            Err(_) => Self::Word(text.to_string()),
        }
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// A number or a word that a method has.
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
    /// Whether tables and figures always show it, as they do for the strength of a penalty. If it can be any positive
    /// number, it is the [factor](Method::factor) of a penalty or of a loss.
    pub is_strength: bool,
    /// The values that `si sweep` tries.
    pub search: fn(Experiment) -> &'static [f64],
}

impl Parameter {
    /// The value that is written so. `None` if it is outside the range.
    pub(crate) fn read(&self, written: &Written) -> Option<f64> {
        match (self.range, written) {
            (Range::OneOf(words), Written::Word(word)) => {
                let place = words.iter().position(|it| it == word);
                place.map(|place| place as f64)
            }
            (Range::OneOf(_), Written::Number(_)) | (_, Written::Word(_)) => None,
            (range, Written::Number(number)) => range.contains(*number).then_some(*number),
        }
    }

    /// How a value that is in its range is written.
    pub(crate) fn write(&self, value: f64) -> Written {
        match self.range {
            Range::OneOf(words) => Written::Word(words[value as usize].to_string()),
            _ => Written::Number(value),
        }
    }

    /// The text of a value that is in its range.
    pub fn text(&self, value: f64) -> String {
        self.write(value).to_string()
    }

    /// The text of its default in the paper's protocols: one value if it is the same in all, otherwise each with the name
    /// of its experiment. `None` if a value must be given.
    pub fn default_text(&self) -> Option<String> {
        let default = self.default?;
        let value = |experiment| self.text(default(&ExperimentConfig::paper(experiment)));
        let values = Experiment::ALL.map(value);
        Some(if values.iter().all(|value| *value == values[0]) {
            values[0].clone()
        } else {
            let named = Experiment::ALL.map(|it| format!("{} in {}", value(it), it.name()));
            named.join(", ")
        })
    }
}

/// That of `choices` which `values` has for `parameter`, whose words are in the same order. The first, if `values` are from
/// before the parameter existed.
pub(super) fn chosen<T: Copy, const N: usize>(
    values: &Values,
    parameter: &Parameter,
    choices: [T; N],
) -> T {
    let place = values.get(parameter.key).copied().unwrap_or_default();
    choices[place as usize]
}

impl Method {
    /// Its strength, if it has one.
    pub fn strength(&self) -> Option<&'static Parameter> {
        self.parameters.iter().find(|it| it.is_strength)
    }

    /// Its strength, if that is the factor of a penalty or of a loss: the smaller it is, the less it holds back. A size, a
    /// rate and a share are no factors.
    pub fn factor(&self) -> Option<&'static Parameter> {
        self.strength().filter(|it| it.range == Range::Positive)
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
