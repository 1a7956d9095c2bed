use std::path::PathBuf;
use std::str::FromStr;

use burn::tensor::{DType, Device};
use serde::{Deserialize, Serialize};
use si_core::{ElasticWeightConsolidationConfig, Preset, SynapticIntelligenceConfig};

use crate::{Error, data::DataSet, task::split_mnist_classes};

use super::{Condition, Control, Method, Optimizer, OptimizerReset};

/// An experiment of the paper, whose protocol is the default of its [`ExperimentConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Experiment {
    /// Five tasks of two digits each (fig. 3).
    SplitMnist,
    /// All ten digits in every task, the pixels in another order each time (figs. 4 and 5).
    PermutedMnist,
    /// CIFAR-10, and then ten classes of CIFAR-100 in every task (fig. 6).
    SplitCifar,
}

impl Experiment {
    /// Every experiment.
    pub const ALL: [Experiment; 3] = [
        Experiment::SplitMnist,
        Experiment::PermutedMnist,
        Experiment::SplitCifar,
    ];

    /// The name in files, folders and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Experiment::SplitMnist => "split-mnist",
            Experiment::PermutedMnist => "permuted-mnist",
            Experiment::SplitCifar => "split-cifar",
        }
    }

    /// Whether the weights of the readout begin at zero, as in the authors' code.
    pub fn has_zero_readout(self) -> bool {
        match self {
            Experiment::SplitMnist | Experiment::SplitCifar => true,
            Experiment::PermutedMnist => false,
        }
    }

    /// The most tasks that it can have.
    pub fn max_tasks(self) -> usize {
        match self {
            Experiment::SplitMnist => split_mnist_classes().len(),
            Experiment::PermutedMnist => MAX_PERMUTATIONS,
            Experiment::SplitCifar => MAX_CIFAR_TASKS,
        }
    }
}

impl FromStr for Experiment {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let of_name = |experiment: &Experiment| experiment.name() == name;
        let found = Experiment::ALL.into_iter().find(of_name);
        found.ok_or_else(|| Error::Value {
            key: "experiment",
            value: name.to_string(),
            expected: "split-mnist, permuted-mnist or split-cifar",
        })
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

/// How the penalties of several tasks add up in Elastic Weight Consolidation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElasticForm {
    /// One penalty per task, each around that task's end (Kirkpatrick et al. 2017).
    PerTask,
    /// One penalty around the last task's end, with the sum of the Fisher informations (Schwarz et
    /// al. 2018, without decay).
    Online,
}

/// Labels for which the Fisher information of Elastic Weight Consolidation is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FisherLabels {
    /// All, weighted by the network's own probabilities.
    Exact,
    /// One per image, drawn with the network's own probabilities.
    Sampled,
}

/// Precision in which Synaptic Intelligence keeps importance and anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatePrecision {
    /// 32 bits.
    Full,
    /// 16 bits.
    Bf16,
}

/// Activation between the layers of a network.
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
    /// The images and labels that the tasks are made of. Absent in split CIFAR, which has its own
    /// two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_set: Option<DataSet>,
    /// What the model is told about the task.
    pub scenario: Scenario,
    /// Number of tasks, from the first of the sequence on: 1 to
    /// [`max_tasks`](Experiment::max_tasks).
    pub num_tasks: usize,
    /// Training images of each task, ≥ 1, from the first on. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_train_images: Option<usize>,
    /// Training images of each task that training accuracy is measured on, ≥ 1, from the first on.
    /// Default: all, and in permuted MNIST 10 000, as all would take a seventh of the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_train_evaluated: Option<usize>,
    /// Training images of each task, ≥ 1, from the last back, that are kept out of training and
    /// take the place of the test images: what settings are chosen on. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_held_out: Option<usize>,
    /// Strengths c of Synaptic Intelligence, each ≥ 0, one condition each. 0 is the control.
    pub strengths: Vec<f64>,
    /// Strengths λ of Elastic Weight Consolidation, each > 0, one condition each.
    pub elastic_strengths: Vec<f64>,
    /// How the penalties of Elastic Weight Consolidation add up.
    pub elastic_form: ElasticForm,
    /// Labels for which its Fisher information is computed.
    pub fisher_labels: FisherLabels,
    /// Training images of each task for which it is computed, ≥ 1, drawn at random.
    pub num_fisher_images: usize,
    /// Comparisons that have no strength.
    pub controls: Vec<Control>,
    /// Settings of the method other than strength and damping.
    pub preset: Preset,
    /// Precision in which importance and anchor are kept.
    pub state_precision: StatePrecision,
    /// Damping ξ > 0. Default: that of the preset; the paper's is 0.1 in permuted MNIST.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damping: Option<f64>,
    /// Epochs per task, ≥ 1.
    pub num_epochs: usize,
    /// Minibatch size in images, ≥ 1. The last, short batch of an epoch is kept.
    pub batch_size: usize,
    /// Learning rate η > 0.
    pub learning_rate: f64,
    /// Units of each hidden layer, from input to output; in split CIFAR the channels of the first
    /// and of the second two convolutions, and the units of the dense layer.
    pub hidden_sizes: Vec<usize>,
    /// Activation after each hidden layer.
    pub activation: Activation,
    /// Optimizer.
    pub optimizer: Optimizer,
    /// Momentum of SGD, in `[0, 1)`. Other optimizers ignore it.
    pub momentum: f64,
    /// What the optimizer forgets between tasks; other optimizers than Adam have no `moments`.
    pub reset_optimizer: OptimizerReset,
    /// Whether to record how the path integrals of the tasks are correlated (fig. 5).
    pub record_correlations: bool,
    /// Number of seeds, ≥ 1.
    pub num_seeds: usize,
    /// The first seed; the others follow it.
    pub first_seed: u64,
    /// Device, by the name of its backend feature, with an index behind a colon where there are
    /// several: `flex`, `cuda:1`; or `auto`, the best that is compiled in and found.
    pub device: String,
    /// Processes at a time, ≥ 1. Default: as many as the cores have room for, or as there are runs
    /// if those are fewer, on a device where a process keeps to its threads (`flex`, `ndarray`), and
    /// else 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_jobs: Option<usize>,
    /// Threads of each process, ≥ 1, on a device where it keeps to them (`flex`, `ndarray`); others
    /// ignore it. They can change the last bits, so a run keeps its number on whatever machine it goes
    /// on. Default, when the run's folder is made: `RAYON_NUM_THREADS`, or else the cores /
    /// `num_jobs`, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_threads: Option<usize>,
    /// Seconds between two checkpoints of a run, ≥ 0, at least. They are written between epochs.
    /// Default: 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_seconds: Option<f64>,
    /// Folder with the data sets' official files. Default: `SI_DATA_DIR`, then the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// Run folder. Default: `runs/<experiment>/<UTC stamp>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_dir: Option<PathBuf>,
}

impl ExperimentConfig {
    /// Reads a TOML file's text over the defaults of `experiment`: absent keys keep the paper's
    /// values.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for text that is not TOML, an unknown key, or a value of the wrong type;
    /// and the errors of [`validate`](Self::validate).
    pub fn from_toml(experiment: Experiment, text: &str) -> Result<Self, Error> {
        Self::paper(experiment).with_toml(text)
    }

    /// Reads a TOML file's text over these values, which absent keys keep.
    ///
    /// # Errors
    ///
    /// Those of [`from_toml`](Self::from_toml).
    pub fn with_toml(&self, text: &str) -> Result<Self, Error> {
        let experiment = self.experiment;
        let given: toml::Table = text.parse().map_err(|error| not_toml(text, &error))?;
        let mut merged =
            toml::Table::try_from(self).map_err(|error| Error::Config(error.to_string()))?;
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

    /// Damping ξ in use: the one given, or the paper's, or else the preset's.
    pub fn damping(&self) -> f64 {
        let default = match (self.experiment, self.preset) {
            (Experiment::PermutedMnist, Preset::Paper) => 0.1,
            (_, preset) => preset.config().damping,
        };
        self.damping.unwrap_or(default)
    }

    /// Training images of each task that training accuracy is measured on, at most.
    pub fn num_train_evaluated(&self) -> usize {
        self.num_train_evaluated.unwrap_or(usize::MAX)
    }

    /// The data sets that the tasks are made of.
    pub fn data_sets(&self) -> Vec<DataSet> {
        match self.experiment {
            Experiment::SplitMnist | Experiment::PermutedMnist => {
                self.data_set.into_iter().collect()
            }
            Experiment::SplitCifar => vec![DataSet::Cifar10, DataSet::Cifar100],
        }
    }

    /// The device that it names, found and fit for these settings.
    ///
    /// # Errors
    ///
    /// Those of [`device`](crate::device()), and [`Error::Value`] if the device does not bear the precision
    /// that importance and anchor are to be kept in.
    pub fn find_device(&self) -> Result<Device, Error> {
        let device = crate::device(&self.device)?;
        match self.state_precision == StatePrecision::Bf16 && !device.supports_dtype(DType::BF16) {
            true => Err(Error::Value {
                key: "state_precision",
                value: format!("bf16 on {}", self.device),
                expected: "full, because that device does not support bf16",
            }),
            false => Ok(device),
        }
    }

    /// The seeds, in order.
    pub fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        (self.first_seed..).take(self.num_seeds)
    }

    /// The settings of Elastic Weight Consolidation under `condition`, if that is its method.
    pub fn elastic(&self, condition: &Condition) -> Option<ElasticWeightConsolidationConfig> {
        let form = match self.elastic_form {
            ElasticForm::PerTask => si_core::ewc::ElasticForm::PerTask,
            ElasticForm::Online => si_core::ewc::ElasticForm::Online { decay: 1.0 },
        };
        (condition.method == Method::Ewc)
            .then(|| ElasticWeightConsolidationConfig::new(condition.strength).with_form(form))
    }

    /// The regularizer's settings under `condition`.
    ///
    /// The strength is 0 wherever the method is another one: then nothing is held back, and the
    /// path integrals are still measured.
    pub fn synaptic_intelligence(&self, condition: &Condition) -> SynapticIntelligenceConfig {
        let strength = match condition.method {
            Method::Si => condition.strength,
            Method::None | Method::Ewc | Method::Joint | Method::Scratch => 0.0,
        };
        self.preset
            .config()
            .with_strength(strength)
            .with_damping(condition.damping)
            .with_state_precision(match self.state_precision {
                StatePrecision::Full => si_core::settings::StatePrecision::Full,
                StatePrecision::Bf16 => si_core::settings::StatePrecision::Bf16,
            })
    }
}

/// The error for text that is not TOML, in one sentence with the line's number.
pub(super) fn not_toml(text: &str, error: &toml::de::Error) -> Error {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    Error::Config(format!("line {line}: {}", error.message()))
}

/// The authors' data have ten permutations; published comparisons go up to a hundred.
const MAX_PERMUTATIONS: usize = 100;

/// All of CIFAR-10, and all of CIFAR-100 in tens.
const MAX_CIFAR_TASKS: usize = 11;
