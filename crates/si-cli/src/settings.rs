use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Command};
use serde::de::value::{Error as NameError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use si_bench::Error;
use si_bench::data::DataSet;
use si_bench::experiment::{
    Activation, Experiment, ExperimentConfig, FisherLabels, Optimizer, OptimizerReset,
    RequiredPrecision, Scenario, StatePrecision,
};
use si_bench::methods::MethodSpec;
use si_core::Preset;

/// The settings of an experiment as flags. Each is also a key of the TOML file.
#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    protocol: ProtocolSettings,
    #[command(flatten)]
    method: MethodSettings,
    #[command(flatten)]
    pub(crate) run: RunSettings,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Protocol")]
struct ProtocolSettings {
    /// Data set that the tasks are made from; split-cifar has its own
    #[arg(long, value_name = "NAME", value_parser = one_of::<DataSet>(DataSet::names_in_place_of_mnist()))]
    data_set: Option<DataSet>,
    /// Folder with images of your own to use instead of a data set: IDX files like MNIST's; PNGs in
    /// train/CLASS and test/CLASS; or binary files like CIFAR-10's. split-mnist learns all their
    /// classes in pairs; split-cifar cannot use them
    #[arg(long, value_name = "DIR", conflicts_with = "data_set")]
    images: Option<PathBuf>,
    /// Whether the model is told the task: task = yes (the paper's multi-head); domain = no, all
    /// tasks share the outputs; class = no, each class has its own output
    #[arg(long, value_name = "NAME", value_parser = one_of::<Scenario>(SCENARIOS))]
    scenario: Option<Scenario>,
    /// Number of tasks; the first N of the sequence are used
    #[arg(long = "tasks", alias = "num-tasks", value_name = "N")]
    num_tasks: Option<usize>,
    /// Epochs per task, ≥ 1
    #[arg(long = "epochs", alias = "num-epochs", value_name = "N")]
    num_epochs: Option<usize>,
    /// Images per minibatch, ≥ 1; the last one of an epoch may be smaller
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Learning rate η, > 0
    #[arg(long, value_name = "ETA", allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// Units of each hidden layer; for split-cifar three numbers: channels of convolutions 1 and 2,
    /// channels of convolutions 3 and 4, and units of the dense layer
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    hidden_sizes: Option<Vec<usize>>,
    /// Activation of the hidden layers
    #[arg(long, value_name = "NAME", value_parser = one_of::<Activation>(ACTIVATIONS))]
    activation: Option<Activation>,
    /// Optimizer (adam with β1 = 0.9, β2 = 0.999)
    #[arg(long, value_name = "NAME", value_parser = one_of::<Optimizer>(OPTIMIZERS))]
    optimizer: Option<Optimizer>,
    /// Momentum of sgd, in [0, 1)
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    momentum: Option<f64>,
    /// What to reset in the optimizer between tasks; moments keeps the step count and needs adam
    #[arg(long, value_name = "WHAT", value_parser = one_of::<OptimizerReset>(OPTIMIZER_RESETS))]
    reset_optimizer: Option<OptimizerReset>,
    /// Seeds per condition, ≥ 1
    #[arg(long = "seeds", alias = "num-seeds", value_name = "N")]
    num_seeds: Option<usize>,
    /// First seed; the others count up from it
    #[arg(long, value_name = "N")]
    first_seed: Option<u64>,
    /// Train on only the first N training images of each task, ≥ 1 [default: all]
    #[arg(long = "train-images", alias = "num-train-images", value_name = "N")]
    num_train_images: Option<usize>,
    /// Measure training accuracy on the first N training images of each task, ≥ 1 [default: all]
    #[arg(
        long = "train-evaluated",
        alias = "num-train-evaluated",
        value_name = "N"
    )]
    num_train_evaluated: Option<usize>,
    /// Hold out the last N training images of each task, ≥ 1, and test on them instead of the test
    /// set (for tuning) [default: none]
    #[arg(long = "held-out", alias = "num-held-out", value_name = "N")]
    num_held_out: Option<usize>,
    /// Whether to record the correlations between the tasks' path integrals (fig. 5)
    #[arg(long, value_name = "BOOL")]
    record_correlations: Option<bool>,
    /// Precision that float32 products must have: exact refuses a device that rounds their factors,
    /// as CUDA often does; any accepts every device. `si devices --measure` shows what each has
    #[arg(long, value_name = "NAME", value_parser = one_of::<RequiredPrecision>(REQUIRED_PRECISIONS))]
    matmul_precision: Option<RequiredPrecision>,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Method")]
struct MethodSettings {
    /// Methods to compare, one condition each: METHOD or METHOD:KEY=NUMBER, such as none, si:c=0.1 or
    /// ewc:lambda=30; `si methods` lists them
    #[arg(long, value_name = "METHOD,...", value_delimiter = ',')]
    methods: Option<Vec<String>>,
    /// Whether a method without a strength stands for one with each strength of a search.
    #[arg(skip)]
    is_search: bool,
    /// Which implementation's variant of Synaptic Intelligence to use
    #[arg(long, value_name = "NAME", value_parser = one_of::<Preset>(PRESETS))]
    preset: Option<Preset>,
    /// Precision of Synaptic Intelligence's importance and anchor: 32 bits (full) or 16 bits (bf16)
    #[arg(long, value_name = "NAME", value_parser = one_of::<StatePrecision>(STATE_PRECISIONS))]
    state_precision: Option<StatePrecision>,
    /// Labels for Fisher information (ewc): exact = all labels, weighted by their probability; sampled =
    /// one drawn per image
    #[arg(long, value_name = "NAME", value_parser = one_of::<FisherLabels>(FISHER_LABELS))]
    fisher_labels: Option<FisherLabels>,
    /// Training images of each task on which importance is measured at its end, ≥ 1, drawn at random
    #[arg(
        long = "importance-images",
        alias = "num-importance-images",
        value_name = "N"
    )]
    num_importance_images: Option<usize>,
}

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Run")]
pub(crate) struct RunSettings {
    /// TOML file with settings. Flags override it; keys that are not in it keep their defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Device, as listed by `si devices`, with an index if there are several; auto takes the best
    /// one found
    #[arg(long, value_name = "NAME[:INDEX]")]
    device: Option<String>,
    /// Runs at the same time, each in a separate process [default: on flex and ndarray as many as
    /// fit the cores, at most the number of runs; otherwise 1]
    #[arg(long = "jobs", alias = "num-jobs", value_name = "N")]
    num_jobs: Option<usize>,
    /// Threads per run on flex and ndarray, ≥ 1. The number can change the last digits of results,
    /// so it is fixed for all runs of a folder [default: $RAYON_NUM_THREADS, otherwise cores / jobs]
    #[arg(long = "threads", alias = "num-threads", value_name = "N")]
    num_threads: Option<usize>,
    /// Minimum seconds between two checkpoints of a run. They are written between epochs; --resume
    /// continues from them [default: 60]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    checkpoint_seconds: Option<f64>,
    /// Folder for the results [default: runs/EXPERIMENT/UTC-TIME]
    #[arg(long = "out", alias = "output-dir", value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    /// Folder with the data set's official files [default: $SI_DATA_DIR, then the cache]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Do the runs that are missing in DIR, with the settings stored there; without DIR, in the
    /// newest unfinished folder. --seeds may be larger than before
    #[arg(long, value_name = "DIR")]
    pub(crate) resume: Option<Option<PathBuf>>,
}

/// Adds to the help of every setting its key and its value in the paper's protocol.
pub(crate) fn describe(command: Command, experiment: Experiment) -> Command {
    let paper = toml::Table::try_from(ExperimentConfig::paper(experiment)).unwrap_or_default();
    command.mut_args(|argument| {
        let key = argument.get_id().as_str();
        let help = match argument.get_help() {
            Some(help) if !["config", "resume", "help"].contains(&key) => help.to_string(),
            _ => return argument,
        };
        let default = paper
            .get(key)
            .map(|value| format!(" [default: {}]", shown(value)))
            .unwrap_or_default();
        // This default is more exact than the one in the text.
        let help = match help.split_once(" [default") {
            Some((help, _)) if !default.is_empty() => help.to_string(),
            _ => help,
        };
        let help = format!("{help}{default} [key: {key}]");
        argument.help(help)
    })
}

/// A value as it is typed after its flag.
fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Array(values) if values.is_empty() => "none".to_string(),
        toml::Value::Array(values) => {
            let values: Vec<String> = values.iter().map(shown).collect();
            values.join(",")
        }
        value => value.to_string(),
    }
}

const PRESETS: &[&str] = &[
    "paper",
    "pathint_permuted",
    "avalanche",
    "van_de_ven",
    "benzing",
];
const STATE_PRECISIONS: &[&str] = &["full", "bf16"];
const FISHER_LABELS: &[&str] = &["exact", "sampled"];
const REQUIRED_PRECISIONS: &[&str] = &["exact", "any"];
const SCENARIOS: &[&str] = &["task", "domain", "class"];
const ACTIVATIONS: &[&str] = &["relu", "tanh", "gelu", "sigmoid"];
const OPTIMIZERS: &[&str] = &["adam", "sgd", "adamw", "rmsprop"];
const OPTIMIZER_RESETS: &[&str] = &["none", "moments", "all"];

impl Settings {
    /// These settings for a search: a method that is given without a strength is tried with several.
    pub(crate) fn for_search(&self) -> Self {
        let mut settings = self.clone();
        settings.method.is_search = true;
        settings
    }

    /// Merges the settings: flags override the TOML file, which overrides `base`.
    pub(crate) fn over(&self, base: ExperimentConfig) -> anyhow::Result<ExperimentConfig> {
        let mut config = match &self.run.config {
            None => base,
            Some(path) => {
                let text = fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                base.with_toml(&text)
                    .with_context(|| path.display().to_string())?
            }
        };
        config = self.protocol.on_images(config)?;
        self.protocol.apply(&mut config);
        self.method.apply(&mut config)?;
        self.run.apply(&mut config);
        config.validate().map_err(with_flag)?;
        Ok(config)
    }
}

/// The error of a value, with its flag if that is called differently from its key.
fn with_flag(error: Error) -> anyhow::Error {
    let Error::Value { key, .. } = &error else {
        return error.into();
    };
    match flag(key).filter(|flag| flag.replace('-', "_") != *key) {
        Some(flag) => anyhow::Error::new(error).context(format!("--{flag}")),
        None => error.into(),
    }
}

/// The flag of a key, without its dashes.
fn flag(key: &str) -> Option<String> {
    let command = Settings::augment_args(Command::new("si"));
    let mut arguments = command.get_arguments();
    let argument = arguments.find(|argument| argument.get_id() == key)?;
    argument.get_long().map(str::to_string)
}

impl ProtocolSettings {
    /// The config on the images that the flags name.
    fn on_images(&self, config: ExperimentConfig) -> Result<ExperimentConfig, Error> {
        match (&self.images, self.data_set) {
            (Some(folder), _) if config.images.as_ref() != Some(folder) => {
                config.with_images(folder)
            }
            (None, Some(data_set)) => Ok(config.with_data_set(data_set)),
            _ => Ok(config),
        }
    }

    fn apply(&self, config: &mut ExperimentConfig) {
        set(&mut config.scenario, &self.scenario);
        set(&mut config.num_tasks, &self.num_tasks);
        config.num_train_images = self.num_train_images.or(config.num_train_images);
        config.num_train_evaluated = self.num_train_evaluated.or(config.num_train_evaluated);
        config.num_held_out = self.num_held_out.or(config.num_held_out);
        set(&mut config.record_correlations, &self.record_correlations);
        set(&mut config.matmul_precision, &self.matmul_precision);
        set(&mut config.num_epochs, &self.num_epochs);
        set(&mut config.batch_size, &self.batch_size);
        set(&mut config.learning_rate, &self.learning_rate);
        set(&mut config.hidden_sizes, &self.hidden_sizes);
        set(&mut config.activation, &self.activation);
        set(&mut config.optimizer, &self.optimizer);
        set(&mut config.momentum, &self.momentum);
        set(&mut config.reset_optimizer, &self.reset_optimizer);
        set(&mut config.num_seeds, &self.num_seeds);
        set(&mut config.first_seed, &self.first_seed);
    }
}

impl MethodSettings {
    fn apply(&self, config: &mut ExperimentConfig) -> Result<(), Error> {
        if let Some(texts) = &self.methods {
            let specs = texts.iter().map(|text| {
                if self.is_search {
                    MethodSpec::search(text, config.experiment)
                } else {
                    text.parse().map(|spec| vec![spec])
                }
            });
            config.methods = specs.collect::<Result<Vec<_>, _>>()?.concat();
        }
        set(&mut config.preset, &self.preset);
        set(&mut config.state_precision, &self.state_precision);
        set(&mut config.fisher_labels, &self.fisher_labels);
        set(
            &mut config.num_importance_images,
            &self.num_importance_images,
        );
        Ok(())
    }
}

impl RunSettings {
    fn apply(&self, config: &mut ExperimentConfig) {
        set(&mut config.device, &self.device);
        config.num_jobs = self.num_jobs.or(config.num_jobs);
        config.num_threads = self.num_threads.or(config.num_threads);
        config.checkpoint_seconds = self.checkpoint_seconds.or(config.checkpoint_seconds);
        for (target, given) in [
            (&mut config.output_dir, &self.output_dir),
            (&mut config.data_dir, &self.data_dir),
        ] {
            if given.is_some() {
                target.clone_from(given);
            }
        }
    }
}

fn set<T: Clone>(target: &mut T, given: &Option<T>) {
    if let Some(value) = given {
        target.clone_from(value);
    }
}

/// Parses a name in the same way as the TOML file.
fn one_of<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    names: impl Into<PossibleValuesParser>,
) -> impl TypedValueParser<Value = T> {
    names.into().try_map(|name| named::<T>(&name))
}

fn named<T: DeserializeOwned>(name: &str) -> Result<T, NameError> {
    let name: StrDeserializer<'_, NameError> = name.into_deserializer();
    T::deserialize(name)
}

#[cfg(test)]
mod tests;
