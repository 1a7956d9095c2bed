use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use si_core::{Preset, SynapticIntelligenceConfig};

use crate::{Error, data::DataSet};

use super::Optimizer;

/// An experiment of the paper, whose protocol is the default of its [`ExperimentConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Experiment {
    /// Five tasks of two digits each (fig. 3).
    SplitMnist,
}

impl Experiment {
    /// The name in files, folders and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Experiment::SplitMnist => "split-mnist",
        }
    }
}

/// What the model is told about the task, and what it must tell apart (van de Ven and Tolias 2019).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// The task is known: outputs of other tasks are masked. The paper's "multi-head".
    Task,
    /// The task is unknown, and all tasks share the same outputs.
    Domain,
    /// The task is unknown, and every class has its own output.
    Class,
}

/// Activation between the layers of a perceptron.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(0, x).
    Relu,
    /// Hyperbolic tangent.
    Tanh,
    /// Gaussian error linear unit.
    Gelu,
    /// Logistic function.
    Sigmoid,
}

/// Everything needed to run an experiment again: its protocol, and where and how it runs.
///
/// Made by [`ExperimentConfig::paper`] and changed field by field, or read from TOML by
/// [`ExperimentConfig::from_toml`], where every key is optional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentConfig {
    /// The experiment.
    pub experiment: Experiment,
    /// The images and labels that the tasks are made of.
    pub data_set: DataSet,
    /// What the model is told about the task.
    pub scenario: Scenario,
    /// Strengths c of the penalty, each ≥ 0, one condition each. 0 is the control.
    pub strengths: Vec<f64>,
    /// Settings of the method other than strength and damping.
    pub preset: Preset,
    /// Damping ξ > 0. Default: that of the preset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damping: Option<f64>,
    /// Epochs per task, ≥ 1.
    pub num_epochs: usize,
    /// Minibatch size in images, ≥ 1. The last, short batch of an epoch is kept.
    pub batch_size: usize,
    /// Learning rate η > 0.
    pub learning_rate: f64,
    /// Units of each hidden layer, from input to output.
    pub hidden_sizes: Vec<usize>,
    /// Activation after each hidden layer.
    pub activation: Activation,
    /// Optimizer.
    pub optimizer: Optimizer,
    /// Momentum of SGD, in `[0, 1)`. Other optimizers ignore it.
    pub momentum: f64,
    /// Whether the optimizer forgets its state between tasks.
    pub reset_optimizer: bool,
    /// Number of seeds, ≥ 1.
    pub num_seeds: usize,
    /// The first seed; the others follow it.
    pub first_seed: u64,
    /// Device, by the name of its backend feature, with an index behind a colon where there are
    /// several: `flex`, `cuda:1`.
    pub device: String,
    /// Processes at a time. Default: the number of cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_jobs: Option<usize>,
    /// Folder with the data sets' official files. Default: `SI_DATA_DIR`, then the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// Run folder. Default: `runs/<experiment>/<UTC stamp>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_dir: Option<PathBuf>,
}

impl ExperimentConfig {
    /// The paper's protocol (section 5.1 for split MNIST), at three seeds.
    pub fn paper(experiment: Experiment) -> Self {
        match experiment {
            Experiment::SplitMnist => Self {
                experiment,
                data_set: DataSet::Mnist,
                scenario: Scenario::Task,
                strengths: vec![0.0, 1.0],
                preset: Preset::Paper,
                damping: None,
                num_epochs: 10,
                batch_size: 64,
                learning_rate: 1e-3,
                hidden_sizes: vec![256, 256],
                activation: Activation::Relu,
                optimizer: Optimizer::Adam,
                momentum: 0.9,
                reset_optimizer: true,
                num_seeds: 3,
                first_seed: 0,
                device: "flex".to_string(),
                num_jobs: None,
                data_dir: None,
                output_dir: None,
            },
        }
    }

    /// Reads a TOML file's text over the defaults of `experiment`: absent keys keep the paper's
    /// values.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for text that is not TOML, an unknown key, or a value of the wrong type;
    /// and the errors of [`validate`](Self::validate).
    pub fn from_toml(experiment: Experiment, text: &str) -> Result<Self, Error> {
        let given: toml::Table = text.parse().map_err(|error| not_toml(text, &error))?;
        let mut merged = toml::Table::try_from(Self::paper(experiment))
            .map_err(|error| Error::Config(error.to_string()))?;
        merged.extend(given);
        let config: Self = merged.try_into().map_err(|error: toml::de::Error| {
            // The key that it is about stands on a line of its own.
            let lines: Vec<&str> = error.message().lines().collect();
            let text = error.to_string();
            let key = text.lines().find(|line| line.starts_with("in `"));
            Error::Config([lines, key.into_iter().collect()].concat().join(" "))
        })?;
        if config.experiment != experiment {
            return Err(Error::Config(format!(
                "experiment must be {:?} here, got {:?}",
                experiment.name(),
                config.experiment.name()
            )));
        }
        config.validate()?;
        Ok(config)
    }

    /// The text of a TOML file that [`from_toml`](Self::from_toml) reads back to the same value.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a config has only TOML's types")
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// [`Error::Value`], which names the key, the value and what is allowed.
    pub fn validate(&self) -> Result<(), Error> {
        let check = |valid: bool, key: &'static str, value: String, expected: &'static str| {
            if valid {
                Ok(())
            } else {
                Err(Error::Value {
                    key,
                    value,
                    expected,
                })
            }
        };
        let positive = |value: f64| value.is_finite() && value > 0.0;
        check(
            !self.strengths.is_empty(),
            "strengths",
            "none".to_string(),
            "at least one number ≥ 0",
        )?;
        for (index, strength) in self.strengths.iter().enumerate() {
            check(
                strength.is_finite() && *strength >= 0.0,
                "strengths",
                strength.to_string(),
                "numbers ≥ 0",
            )?;
            check(
                !self.strengths[..index].contains(strength),
                "strengths",
                format!("{strength} twice"),
                "different numbers",
            )?;
        }
        check(
            positive(self.damping()),
            "damping",
            self.damping().to_string(),
            "a number > 0",
        )?;
        check(
            positive(self.learning_rate),
            "learning_rate",
            self.learning_rate.to_string(),
            "a number > 0",
        )?;
        check(
            (0.0..1.0).contains(&self.momentum),
            "momentum",
            self.momentum.to_string(),
            "a number in [0, 1)",
        )?;
        for (key, value) in [
            ("num_epochs", self.num_epochs),
            ("batch_size", self.batch_size),
            ("num_seeds", self.num_seeds),
            ("num_jobs", self.num_jobs.unwrap_or(1)),
        ] {
            check(value > 0, key, value.to_string(), "a whole number ≥ 1")?;
        }
        let last_seed = u64::try_from(self.num_seeds)
            .ok()
            .and_then(|num_seeds| self.first_seed.checked_add(num_seeds));
        check(
            last_seed.is_some_and(|seed| i64::try_from(seed).is_ok()),
            "first_seed",
            self.first_seed.to_string(),
            "small enough for every seed to be below 2^63",
        )?;
        for size in &self.hidden_sizes {
            check(
                *size > 0,
                "hidden_sizes",
                size.to_string(),
                "whole numbers ≥ 1",
            )?;
        }
        Ok(())
    }

    /// Damping ξ in use: the one given, or the preset's.
    pub fn damping(&self) -> f64 {
        self.damping.unwrap_or_else(|| self.preset.config().damping)
    }

    /// The seeds, in order.
    pub fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        (self.first_seed..).take(self.num_seeds)
    }

    /// The conditions that are compared, one per strength, in order.
    pub fn conditions(&self) -> Vec<Condition> {
        let several = self.strengths.iter().filter(|c| **c > 0.0).count() > 1;
        self.strengths
            .iter()
            .map(|&strength| Condition {
                name: match (strength > 0.0, several) {
                    (false, _) => "none".to_string(),
                    (true, false) => "si".to_string(),
                    (true, true) => format!("si c={strength}"),
                },
                method: if strength > 0.0 { "si" } else { "none" }.to_string(),
                strength,
                damping: self.damping(),
            })
            .collect()
    }

    /// The regularizer's settings under `condition`.
    pub fn synaptic_intelligence(&self, condition: &Condition) -> SynapticIntelligenceConfig {
        self.preset
            .config()
            .with_strength(condition.strength)
            .with_damping(condition.damping)
    }
}

/// The error for text that is not TOML, in one sentence with the line's number.
pub(super) fn not_toml(text: &str, error: &toml::de::Error) -> Error {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    Error::Config(format!("line {line}: {}", error.message()))
}

/// One column of a comparison: a method with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Unique within an experiment: `none` at strength 0, `si` where only one strength is above 0,
    /// else `si c=0.1`.
    pub name: String,
    /// `none` or `si`.
    pub method: String,
    /// Strength c.
    pub strength: f64,
    /// Damping ξ.
    pub damping: f64,
}
