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
    /// The values that `si sweep` tries, ascending. Empty if there is nothing to search for.
    pub search: fn(Experiment) -> &'static [f64],
}

impl Parameter {
    /// Whether `value` is what it has in `config` if none is given.
    pub(crate) fn is_default(&self, config: &ExperimentConfig, value: f64) -> bool {
        self.default.map(|default| default(config)) == Some(value)
    }

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

    /// That many values of a search, at least 2: from the lowest that `si sweep` tries to the highest, in equal steps of
    /// their logarithms, with three digits. If `si sweep` tries as many, they are the same. Empty if there is nothing to
    /// search for.
    pub(crate) fn trials(&self, experiment: Experiment, count: usize) -> Vec<f64> {
        let values = (self.search)(experiment);
        let (Some(lowest), Some(highest)) = (values.first(), values.last()) else {
            return Vec::new();
        };
        if values.len() == count {
            return values.to_vec();
        }
        let step = (highest / lowest).ln() / (count.max(2) - 1) as f64;
        let value = |index: usize| three_digits(lowest * (step * index as f64).exp());
        (0..count).map(value).collect()
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

/// `value` > 0, rounded to three digits.
fn three_digits(value: f64) -> f64 {
    // Through decimal text, so that the result is the number that is closest to its three digits.
    format!("{value:.2e}").parse().unwrap_or(value)
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

#[cfg(test)]
mod tests {
    use super::super::METHODS;
    use super::*;

    #[test]
    fn every_method_with_a_search_has_as_many_trials_as_asked_for_between_the_same_ends() {
        let parameters = METHODS.iter().flat_map(|method| method.parameters);
        for parameter in parameters {
            for experiment in Experiment::ALL {
                let values = (parameter.search)(experiment);
                if values.is_empty() {
                    assert!(parameter.trials(experiment, 5).is_empty());
                    continue;
                }
                assert!(values.is_sorted(), "{}", parameter.summary);
                for count in [2, 5, 7, 50] {
                    let trials = parameter.trials(experiment, count);
                    assert_eq!(trials.len(), count);
                    assert!(trials.is_sorted_by(|one, next| one < next));
                    assert_eq!(trials.first(), values.first());
                    assert_eq!(trials.last(), values.last());
                    assert!(trials.iter().all(|it| parameter.range.contains(*it)));
                }
            }
        }
    }
}
