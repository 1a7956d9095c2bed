use std::path::PathBuf;
use std::str::FromStr;

use burn::tensor::{DType, Device};
use serde::{Deserialize, Serialize};
use si_core::{Preset, SynapticIntelligenceConfig};

use crate::data::{DataSet, ImageSet};
use crate::methods::{MethodSpec, Synaptic, default_damping};
use crate::{Error, read_toml::read_toml_over};

use super::{Condition, Optimizer, OptimizerReset, RequiredPrecision};

/// An experiment of the paper, whose protocol is the default of its [`ExperimentConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Experiment {
    /// Five tasks of two digits each (fig. 3).
    SplitMnist,
    /// All ten digits in every task, with the pixels in a different order in each task (figs. 4 and
    /// 5).
    PermutedMnist,
    /// CIFAR-10, then ten classes of CIFAR-100 in every task (fig. 6).
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

    /// Whether the weights of the readout start at zero, as in the authors' code.
    pub fn has_zero_readout(self) -> bool {
        match self {
            Experiment::SplitMnist | Experiment::SplitCifar => true,
            Experiment::PermutedMnist => false,
        }
    }

    /// The largest possible number of tasks on its own data set.
    pub fn max_tasks(self) -> usize {
        match self {
            Experiment::SplitMnist => DataSet::Mnist.num_classes() / 2,
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
            expected: "split-mnist, permuted-mnist or split-cifar".to_string(),
        })
    }
}

/// What the model is told about the task, and what it must distinguish (van de Ven and Tolias
/// 2019).
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

/// Labels for which Fisher information is computed.
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
/// Create it with [`ExperimentConfig::paper`] and change its fields, or read it from TOML with
/// [`ExperimentConfig::from_toml`], where every key is optional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentConfig {
    /// The experiment.
    pub experiment: Experiment,
    /// The data set that the tasks are made from. `None` if they are made from `images`, and in split CIFAR, which has
    /// its own two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_set: Option<DataSet>,
    /// Folder with the user's own images that the tasks are made from, instead of `data_set`. Set it with
    /// [`with_images`](Self::with_images).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<PathBuf>,
    /// What the model is told about the task.
    pub scenario: Scenario,
    /// Number of tasks, 1 to [`max_tasks`](Self::max_tasks). The first ones of the sequence
    /// are used.
    pub num_tasks: usize,
    /// Train on only the first images of each task, this many, ≥ 1. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_train_images: Option<usize>,
    /// Measure training accuracy on the first training images of each task, this many, ≥ 1.
    /// Default: all; 10 000 in permuted MNIST, where all would take a seventh of the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_train_evaluated: Option<usize>,
    /// Hold out the last training images of each task, this many, ≥ 1, and test on them instead of
    /// the test set (for tuning). Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_held_out: Option<usize>,
    /// The methods that are compared, one condition each.
    pub methods: Vec<MethodSpec>,
    /// Labels for which Fisher information is computed.
    pub fisher_labels: FisherLabels,
    /// Training images of each task on which importance is measured at its end, ≥ 1, drawn at random.
    pub num_importance_images: usize,
    /// Settings of Synaptic Intelligence other than strength and damping.
    pub preset: Preset,
    /// Precision in which importance and anchor are kept.
    pub state_precision: StatePrecision,
    /// Epochs per task, ≥ 1.
    pub num_epochs: usize,
    /// Minibatch size in images, ≥ 1. The last batch of an epoch may be smaller.
    pub batch_size: usize,
    /// Learning rate η > 0.
    pub learning_rate: f64,
    /// Units of each hidden layer, from input to output. In split CIFAR: channels of convolutions 1
    /// and 2, channels of convolutions 3 and 4, and units of the dense layer.
    pub hidden_sizes: Vec<usize>,
    /// Activation after each hidden layer.
    pub activation: Activation,
    /// Optimizer.
    pub optimizer: Optimizer,
    /// Momentum of SGD, in `[0, 1)`. Other optimizers ignore it.
    pub momentum: f64,
    /// What is reset in the optimizer between tasks. `moments` is only possible for Adam.
    pub reset_optimizer: OptimizerReset,
    /// Whether to record the correlations between the tasks' path integrals (fig. 5).
    pub record_correlations: bool,
    /// Number of seeds, ≥ 1.
    pub num_seeds: usize,
    /// The first seed. The others count up from it.
    pub first_seed: u64,
    /// Device: the name of its backend feature, with an index after a colon if there are several
    /// (`flex`, `cuda:1`). `auto` is the best device that is compiled in and found.
    pub device: String,
    /// Precision that the device's float32 products must have.
    pub matmul_precision: RequiredPrecision,
    /// Processes at the same time, ≥ 1. Default: on a device where a process computes only with its own threads
    /// (`flex`, `ndarray`), as many as fit the cores, but at most the number of runs; otherwise 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_jobs: Option<usize>,
    /// Threads of each process, ≥ 1, on a device where a process computes only with its own threads (`flex`,
    /// `ndarray`); other devices ignore it. The number can change the last digits of results, so a run keeps it, even
    /// if it is resumed on another machine. Default, set when the run's folder is created: `RAYON_NUM_THREADS`,
    /// otherwise the cores / `num_jobs`, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_threads: Option<usize>,
    /// Least number of seconds between two checkpoints of a run, ≥ 0. They are written between
    /// epochs. Default: 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_seconds: Option<f64>,
    /// Folder with the data sets' official files. Default: `SI_DATA_DIR`, then the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// Run folder. Default: `runs/<experiment>/<UTC stamp>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_dir: Option<PathBuf>,
    /// What `images` held when the config was made. `None` without `images`. In TOML it is a table, which must come
    /// after the other keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_set: Option<ImageSet>,
}

impl ExperimentConfig {
    /// Reads the text of a TOML file. Keys that it lacks keep the paper's values for `experiment`.
    ///
    /// # Errors
    ///
    /// Those of [`read_toml`](crate::read_toml()), of [`validate`](Self::validate) and of
    /// [`with_images`](Self::with_images), and [`Error::Config`] if the text names another experiment.
    pub fn from_toml(experiment: Experiment, text: &str) -> Result<Self, Error> {
        Self::paper(experiment).with_toml(text)
    }

    /// Reads the text of a TOML file. Keys that it lacks keep the values of `self`.
    ///
    /// # Errors
    ///
    /// Those of [`from_toml`](Self::from_toml).
    pub fn with_toml(&self, text: &str) -> Result<Self, Error> {
        let experiment = self.experiment;
        let defaults = self.on_images_of(text)?;
        let defaults =
            toml::to_string(&defaults).map_err(|error| Error::Config(error.to_string()))?;
        let config: Self = read_toml_over(&defaults, text)?;
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

    /// Largest number of training images of each task on which training accuracy is measured.
    pub fn num_train_evaluated(&self) -> usize {
        self.num_train_evaluated.unwrap_or(usize::MAX)
    }

    /// The device of this config, if it exists and supports these settings.
    ///
    /// # Errors
    ///
    /// Those of [`device`](crate::device()), and [`Error::Value`] if the device does not support the precision of
    /// importance and anchor.
    pub fn find_device(&self) -> Result<Device, Error> {
        let device = crate::device(&self.device)?;
        if self.state_precision == StatePrecision::Bf16 && !device.supports_dtype(DType::BF16) {
            Err(Error::Value {
                key: "state_precision",
                value: format!("bf16 on {}", self.device),
                expected: "full, because that device does not support bf16".to_string(),
            })
        } else {
            Ok(device)
        }
    }

    /// The seeds, in order.
    pub fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        (self.first_seed..).take(self.num_seeds)
    }

    /// The settings of the learner under `condition`.
    ///
    /// Without Synaptic Intelligence, the strength is 0: then there is no penalty, but the path integrals are
    /// still measured.
    pub fn synaptic_intelligence(&self, condition: &Condition) -> SynapticIntelligenceConfig {
        let synaptic = condition.parts().synaptic.unwrap_or(Synaptic {
            strength: 0.0,
            damping: default_damping(self),
        });
        self.preset
            .config()
            .with_strength(synaptic.strength)
            .with_damping(synaptic.damping)
            .with_state_precision(match self.state_precision {
                StatePrecision::Full => si_core::settings::StatePrecision::Full,
                StatePrecision::Bf16 => si_core::settings::StatePrecision::Bf16,
            })
    }
}

/// The authors' data have ten permutations; published comparisons go up to a hundred.
const MAX_PERMUTATIONS: usize = 100;

/// All of CIFAR-10, and all of CIFAR-100 in tens.
const MAX_CIFAR_TASKS: usize = 11;
