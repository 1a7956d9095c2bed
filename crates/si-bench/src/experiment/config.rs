use std::path::PathBuf;
use std::str::FromStr;

use burn::tensor::{DType, Device};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, ValueEnum};
use serde::{Deserialize, Serialize};
use si_core::settings::Normalization;
use si_core::{Preset, SynapticIntelligenceConfig};

use crate::data::{DataSet, ImageSet};
use crate::methods::{MethodSpec, Synaptic, default_damping};
use crate::{Error, is_cpu, read_toml::read_toml_over, resolve_device};

use super::{Condition, Optimizer, OptimizerReset, RequiredPrecision, StrengthChoice};

/// An experiment of the paper, whose protocol is the default of its [`ExperimentConfig`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Experiment {
    /// Five tasks of two digits each (fig. 3).
    #[default]
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

/// What the model is told about the task, and what it must distinguish (van de Ven and Tolias
/// 2019).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// The model is told the task: the outputs of other tasks are masked. The paper's multi-head.
    #[default]
    Task,
    /// It is not told the task, and all tasks share the same outputs.
    Domain,
    /// It is not told the task, and every class has its own output.
    Class,
}

/// Labels for which Fisher information is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum FisherLabels {
    /// All, weighted by the network's own probabilities.
    #[default]
    Exact,
    /// One per image, drawn with the network's own probabilities.
    Sampled,
}

/// Precision in which Synaptic Intelligence keeps importance and anchor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum StatePrecision {
    /// 32 bits.
    #[default]
    Full,
    /// 16 bits.
    Bf16,
}

/// Activation between the layers of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(0, x).
    #[default]
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
/// [`ExperimentConfig::from_toml`], where every key is optional. [`validate`](Self::validate) checks the values, and
/// [`range`](Self::range) gives the range of a number. `Default` is only for the rest of a literal, after `..`: alone,
/// it is no valid experiment.
///
/// A field is all that defines a setting: its name is the key in TOML, and its documentation is the help of its flag. A
/// command line gets the flags from [`augment_args_for_update`](clap::Args::augment_args_for_update). Then
/// [`update_from_arg_matches`](clap::FromArgMatches::update_from_arg_matches) sets the fields whose flags were given.
///
/// The number of tasks may depend on the images. So choose them with [`with_data_set`](Self::with_data_set) or
/// [`with_images`](Self::with_images). `data_set` is `None` if there are `images`, and in split CIFAR.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[command(next_help_heading = "Protocol")]
#[serde(deny_unknown_fields)]
pub struct ExperimentConfig {
    /// The experiment.
    #[arg(skip)]
    pub experiment: Experiment,
    /// Data set that the tasks are made from; split-cifar has its own.
    #[arg(long, value_name = "NAME", value_parser = one_of::<DataSet>(DataSet::names_in_place_of_mnist()))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_set: Option<DataSet>,
    /// Folder with images of your own to use instead of a data set: IDX files like MNIST's; PNGs in train/CLASS and
    /// test/CLASS; or binary files like CIFAR-10's. split-mnist learns all their classes in pairs; split-cifar cannot
    /// use them.
    #[arg(long, value_name = "DIR", conflicts_with = "data_set")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<PathBuf>,
    /// Whether the model is told the task, and whether tasks share their outputs.
    #[arg(long, value_name = "NAME")]
    pub scenario: Scenario,
    /// Number of tasks; the first N of the sequence are used.
    #[arg(long = "tasks", alias = "num-tasks", value_name = "N")]
    pub num_tasks: usize,
    /// Train on only the first N training images of each task. Default: all.
    #[arg(long = "train-images", alias = "num-train-images", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_train_images: Option<usize>,
    /// Measure training accuracy on the first N training images of each task. Default: all.
    #[arg(
        long = "train-evaluated",
        alias = "num-train-evaluated",
        value_name = "N"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_train_evaluated: Option<usize>,
    /// Hold out the last N training images of each task, and test on them instead of the test set (for tuning).
    /// Default: none.
    #[arg(long = "held-out", alias = "num-held-out", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_held_out: Option<usize>,
    /// Subtract the mean of all training pixels from each pixel, and divide by their standard deviation. Otherwise pixels are
    /// in [0, 1]. Default: false.
    #[arg(
        long,
        value_name = "BOOL",
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub standardize: bool,
    /// Methods to compare, one condition each: METHOD or METHOD:KEY=VALUE, such as none, si:c=0.1 or ewc:lambda=30;
    /// `si methods` lists them.
    #[arg(
        long,
        value_name = "METHOD,...",
        value_delimiter = ',',
        help_heading = "Method"
    )]
    pub methods: Vec<MethodSpec>,
    /// How the strength of each method is chosen. fixed takes it as given. chf begins with the given one and lowers it in
    /// each task from the second on, until the new task is learnt nearly as well as with nothing held back (De Lange et
    /// al. 2022). It needs no old data, and never measures forgetting. Methods without a strength, or whose strength is no
    /// factor of a penalty or loss, run as they are: none, joint, scratch, er and others. Default: fixed.
    #[arg(
        long = "choose",
        alias = "choose-strength",
        value_name = "NAME",
        help_heading = "Method"
    )]
    #[serde(default, skip_serializing_if = "StrengthChoice::is_fixed")]
    pub choose_strength: StrengthChoice,
    /// Share of the accuracy with nothing held back that chf lets a new task lack. Default: 0.2.
    #[arg(long, value_name = "P", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chf_drop: Option<f64>,
    /// Factor by which chf lowers the strength each time. Default: 0.5.
    #[arg(long, value_name = "ALPHA", help_heading = "Method")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chf_decay: Option<f64>,
    /// Hold out the last N training images of each task, for chf to measure on. The test set stays as it is. Default: as
    /// many as in `si sweep`.
    #[arg(
        long = "chf-images",
        alias = "num-chf-images",
        value_name = "N",
        help_heading = "Method"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_chf_images: Option<usize>,
    /// Labels for which Fisher information is computed, if a method does not have its own `fisher`. For ewc, online-ewc,
    /// af and sqrt-fisher.
    #[arg(long, value_name = "NAME", help_heading = "Method")]
    pub fisher_labels: FisherLabels,
    /// Training images of each task on which importance is measured at its end, drawn at random.
    #[arg(
        long = "importance-images",
        alias = "num-importance-images",
        value_name = "N",
        help_heading = "Method"
    )]
    pub num_importance_images: usize,
    /// Whose variant of Synaptic Intelligence to use: all settings but the strength. A method's `xi` replaces its damping.
    #[arg(
        long,
        value_name = "NAME",
        value_parser = one_of::<Preset>(Preset::ALL.map(Preset::name)),
        help_heading = "Method"
    )]
    pub preset: Preset,
    /// Precision in which Synaptic Intelligence keeps importance and anchor.
    #[arg(long, value_name = "NAME", help_heading = "Method")]
    pub state_precision: StatePrecision,
    /// Epochs per task.
    #[arg(long = "epochs", alias = "num-epochs", value_name = "N")]
    pub num_epochs: usize,
    /// Images per minibatch; the last one of an epoch may be smaller.
    #[arg(long, value_name = "N")]
    pub batch_size: usize,
    /// Learning rate η.
    #[arg(long, value_name = "ETA")]
    pub learning_rate: f64,
    /// Units of each hidden layer, from input to output; for split-cifar three numbers: channels of convolutions 1 and
    /// 2, channels of convolutions 3 and 4, and units of the dense layer.
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    pub hidden_sizes: Vec<usize>,
    /// Activation after each hidden layer.
    #[arg(long, value_name = "NAME")]
    pub activation: Activation,
    /// Optimizer.
    #[arg(long, value_name = "NAME")]
    pub optimizer: Optimizer,
    /// Momentum of sgd; the other optimizers ignore it.
    #[arg(long, value_name = "X")]
    pub momentum: f64,
    /// What to reset in the optimizer between tasks; moments needs adam.
    #[arg(long, value_name = "WHAT")]
    pub reset_optimizer: OptimizerReset,
    /// Whether to record the correlations between the tasks' path integrals (fig. 5).
    #[arg(long, value_name = "BOOL", action = ArgAction::Set)]
    pub record_correlations: bool,
    /// Also test all tasks learnt so far after every epoch. It changes no other result, but such runs are trained one by
    /// one, not in a stack. Default: false.
    #[arg(
        long,
        value_name = "BOOL",
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub evaluate_each_epoch: bool,
    /// Seeds per condition.
    #[arg(long = "seeds", alias = "num-seeds", value_name = "N")]
    pub num_seeds: usize,
    /// First seed; the others count up from it.
    #[arg(long, value_name = "N")]
    pub first_seed: u64,
    /// Device, as listed by `si devices`, with an index after a colon if there are several, such as flex or cuda:1;
    /// auto takes the best one found.
    #[arg(long, value_name = "NAME[:INDEX]", help_heading = "Run")]
    pub device: String,
    /// Precision that float32 products must have: exact refuses a device that rounds their factors, as CUDA often does;
    /// any accepts every device. `si devices --measure` shows what each has.
    #[arg(long, value_name = "NAME", help_heading = "Run")]
    pub matmul_precision: RequiredPrecision,
    /// Processes that do runs at the same time. On a GPU, each does one run after the other and compiles kernels once;
    /// otherwise each does one run. Default: 1 on a GPU and on cpu; on flex and ndarray as many as fit the cores, at
    /// most the number of runs.
    #[arg(
        long = "jobs",
        alias = "num-jobs",
        value_name = "N",
        help_heading = "Run"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_jobs: Option<usize>,
    /// Runs that a process trains at once, as a stack of replicas. On a GPU, a stack of small networks takes little longer
    /// than one of them. The results are those of single runs, up to rounding. A method that cannot be in a stack trains
    /// alone. Default: 1 on CPUs, and if the network has more than a million parameters; otherwise all runs, with at
    /// most 32 million parameters in a stack.
    #[arg(
        long = "replicas",
        alias = "num-replicas",
        value_name = "N",
        help_heading = "Run"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_replicas: Option<usize>,
    /// Threads per run on flex and ndarray; other devices ignore it. The number can change the last digits of results,
    /// so it is fixed for all runs of a folder when that is created. Default: $RAYON_NUM_THREADS, otherwise cores /
    /// jobs.
    #[arg(
        long = "threads",
        alias = "num-threads",
        value_name = "N",
        help_heading = "Run"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_threads: Option<usize>,
    /// Minimum seconds between two checkpoints of a run. They are written between epochs; --resume continues from
    /// them. With --choose chf, from the second task on only between two trainings of a task. Default: 60.
    #[arg(long, value_name = "N", help_heading = "Run")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_seconds: Option<f64>,
    /// Folder with the data sets' official files. Default: $SI_DATA_DIR, then the cache.
    #[arg(long, value_name = "DIR", help_heading = "Run")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// Folder for the results. Default: runs/EXPERIMENT/UTC-TIME.
    #[arg(
        long = "out",
        alias = "output-dir",
        value_name = "DIR",
        help_heading = "Run"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_dir: Option<PathBuf>,
    /// What `images` held when the config was made. `None` without `images`. In TOML it is a table, which must come
    /// after the other keys.
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_set: Option<ImageSet>,
}

/// Parses one of `names`, and shows them in the help.
fn one_of<T>(names: impl Into<PossibleValuesParser>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: std::error::Error + Send + Sync> + Clone + Send + Sync + 'static,
{
    names.into().try_map(|name| name.parse())
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
        self.with_toml_except(text, &[])
    }

    /// Like [`with_toml`](Self::with_toml), but the methods stay those of `self`. So `text` may have methods without a
    /// strength.
    ///
    /// # Errors
    ///
    /// Those of [`from_toml`](Self::from_toml), except for methods.
    pub fn with_toml_except_methods(&self, text: &str) -> Result<Self, Error> {
        self.with_toml_except(text, &["methods"])
    }

    fn with_toml_except(&self, text: &str, ignored: &[&str]) -> Result<Self, Error> {
        let experiment = self.experiment;
        let defaults = self.on_images_of(text)?;
        let defaults =
            toml::to_string(&defaults).map_err(|error| Error::Config(error.to_string()))?;
        let config: Self = read_toml_over(&defaults, text, ignored)?;
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

    /// The same experiment without the settings that say where or how it runs. They may change when it is resumed. Its
    /// own images may be in another folder if `image_set` stays the same.
    pub(super) fn anywhere(&self) -> Self {
        Self {
            images: None,
            matmul_precision: RequiredPrecision::default(),
            num_jobs: None,
            num_replicas: None,
            num_threads: None,
            checkpoint_seconds: None,
            data_dir: None,
            output_dir: None,
            ..self.clone()
        }
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

    /// Whether its device is reached through an interface for graphics cards. The kernels for such a device are compiled,
    /// and several are tried, when a process first uses them.
    pub fn prepares_kernels(&self) -> bool {
        resolve_device(&self.device).is_ok_and(|name| !is_cpu(&name))
    }

    /// The seeds, in order.
    pub fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        (self.first_seed..).take(self.num_seeds)
    }

    /// All runs, seed by seed, so that after an interruption the finished ones can be compared.
    pub(super) fn runs(&self) -> Vec<(Condition, u64)> {
        let conditions = self.conditions();
        let runs = self.seeds().flat_map(|seed| {
            conditions
                .iter()
                .map(move |condition| (condition.clone(), seed))
        });
        runs.collect()
    }

    /// The settings of the learner under `condition`.
    ///
    /// Without Synaptic Intelligence, the strength is 0: then there is no penalty, but the path integrals are
    /// still measured.
    pub fn synaptic_intelligence(&self, condition: &Condition) -> SynapticIntelligenceConfig {
        let synaptic = condition.parts().synaptic.unwrap_or(Synaptic {
            strength: 0.0,
            damping: default_damping(self),
            normalization: Normalization::Off,
        });
        self.preset
            .config()
            .with_strength(synaptic.strength)
            .with_damping(synaptic.damping)
            .with_normalization(synaptic.normalization)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_experiment_has_one_name_everywhere() {
        for experiment in Experiment::ALL {
            let on_command_line = Experiment::from_str(experiment.name(), false);
            assert_eq!(on_command_line, Ok(experiment));
            let quoted = serde_json::to_string(&experiment).expect("a unit variant");
            assert_eq!(quoted, format!("\"{}\"", experiment.name()));
        }
    }
}
