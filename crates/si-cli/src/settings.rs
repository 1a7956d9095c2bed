use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Command};
use serde::de::value::{Error as NameError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use si_bench::data::DataSet;
use si_bench::experiment::{
    Activation, Control, ElasticForm, Experiment, ExperimentConfig, FisherLabels, HeldPrecision,
    Optimizer, OptimizerReset, Scenario,
};
use si_core::Preset;

/// The settings of an experiment as flags, each of which is also a key of the TOML file.
#[derive(Args, Debug)]
pub(crate) struct Settings {
    #[command(flatten)]
    protocol: ProtocolSettings,
    #[command(flatten)]
    method: MethodSettings,
    #[command(flatten)]
    pub(crate) run: RunSettings,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Protocol")]
struct ProtocolSettings {
    /// Images and labels that the tasks are made of; split-cifar has its own
    #[arg(long, value_name = "NAME", value_parser = one_of::<DataSet>(DATA_SETS))]
    data_set: Option<DataSet>,
    /// What the model is told: the task (the paper's multi-head), or not, with outputs shared by
    /// all tasks (domain) or one output per class (class)
    #[arg(long, value_name = "NAME", value_parser = one_of::<Scenario>(SCENARIOS))]
    scenario: Option<Scenario>,
    /// Number of tasks, from the first on
    #[arg(long = "tasks", alias = "num-tasks", value_name = "N")]
    num_tasks: Option<usize>,
    /// Epochs per task, ≥ 1
    #[arg(long = "epochs", alias = "num-epochs", value_name = "N")]
    num_epochs: Option<usize>,
    /// Images per minibatch, ≥ 1; the last, short one is kept
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Learning rate η, > 0
    #[arg(long, value_name = "ETA", allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// Units of each hidden layer; in split-cifar channels of the first and of the second two
    /// convolutions, and units of the dense layer
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
    /// What the optimizer forgets between tasks; only adam can forget its moments and go on counting
    /// its steps
    #[arg(long, value_name = "WHAT", value_parser = one_of::<OptimizerReset>(OPTIMIZER_RESETS))]
    reset_optimizer: Option<OptimizerReset>,
    /// Seeds per condition, ≥ 1
    #[arg(long = "seeds", alias = "num-seeds", value_name = "N")]
    num_seeds: Option<usize>,
    /// The first seed; the others follow it
    #[arg(long, value_name = "N")]
    first_seed: Option<u64>,
    /// Training images of each task, ≥ 1, from the first on [default: all]
    #[arg(long = "train-images", alias = "num-train-images", value_name = "N")]
    num_train_images: Option<usize>,
    /// Training images of each task to measure training accuracy on, ≥ 1 [default: all]
    #[arg(
        long = "train-evaluated",
        alias = "num-train-evaluated",
        value_name = "N"
    )]
    num_train_evaluated: Option<usize>,
    /// Training images of each task, ≥ 1, from the last back, to test on in place of the test
    /// images, and not to train on; for choosing settings [default: none]
    #[arg(long = "held-out", alias = "num-held-out", value_name = "N")]
    num_held_out: Option<usize>,
    /// Whether to record how the path integrals of the tasks are correlated (fig. 5)
    #[arg(long, value_name = "BOOL")]
    record_correlations: Option<bool>,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Method")]
struct MethodSettings {
    /// Strengths c of the penalty (eq. 4), ≥ 0, one condition each; 0 is the control, and without
    /// a value there is none
    #[arg(
        long,
        value_name = "C,C,...",
        value_delimiter = ',',
        num_args = 0..,
        allow_negative_numbers = true
    )]
    strengths: Option<Vec<f64>>,
    /// Damping ξ (eq. 5), > 0 [default where none is given here: that of the preset]
    #[arg(long, value_name = "XI", allow_negative_numbers = true)]
    damping: Option<f64>,
    /// What the method does where implementations differ
    #[arg(long, value_name = "NAME", value_parser = one_of::<Preset>(PRESETS))]
    preset: Option<Preset>,
    /// Precision in which importance and anchor are kept: that of the parameters, or 16 bits
    #[arg(long, value_name = "NAME", value_parser = one_of::<HeldPrecision>(HELD_PRECISIONS))]
    held_precision: Option<HeldPrecision>,
    /// Comparisons that have no strength: no consolidation but dropout of 0.5, one network that
    /// learns all tasks jointly, one from scratch for each task; without a value none
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        num_args = 0..,
        value_parser = one_of::<Control>(CONTROLS)
    )]
    controls: Option<Vec<Control>>,
    /// Strengths λ of Elastic Weight Consolidation (Kirkpatrick et al. 2017), > 0, one condition
    /// each; without a value none
    #[arg(
        long,
        value_name = "L,L,...",
        value_delimiter = ',',
        num_args = 0..,
        allow_negative_numbers = true
    )]
    elastic_strengths: Option<Vec<f64>>,
    /// How its penalties add up: one per task, or one around the last task's end (online)
    #[arg(long, value_name = "NAME", value_parser = one_of::<ElasticForm>(ELASTIC_FORMS))]
    elastic_form: Option<ElasticForm>,
    /// Labels for its Fisher information: all by their probability, or one drawn per image
    #[arg(long, value_name = "NAME", value_parser = one_of::<FisherLabels>(FISHER_LABELS))]
    fisher_labels: Option<FisherLabels>,
    /// Training images of each task for its Fisher information, ≥ 1
    #[arg(long = "fisher-images", alias = "num-fisher-images", value_name = "N")]
    num_fisher_images: Option<usize>,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Run")]
pub(crate) struct RunSettings {
    /// TOML file with settings; flags win over it, and absent keys keep their defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Device, with an index where there are several, as `si devices` lists them; auto is the best
    /// that is found
    #[arg(long, value_name = "NAME[:INDEX]")]
    device: Option<String>,
    /// Runs at a time, each in a process of its own [default: as many as the cores have room for, or
    /// as there are runs if those are fewer, on flex and ndarray, else 1]
    #[arg(long = "jobs", alias = "num-jobs", value_name = "N")]
    num_jobs: Option<usize>,
    /// Threads of each run on flex and ndarray, ≥ 1; they can change the last bits, so all runs of a
    /// folder keep the number that it began with [default: $RAYON_NUM_THREADS, else cores / jobs]
    #[arg(long = "threads", alias = "num-threads", value_name = "N")]
    num_threads: Option<usize>,
    /// Seconds between two checkpoints of a run, at least; they are written between epochs, for
    /// --resume to go on from [default: 60]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    checkpoint_seconds: Option<f64>,
    /// Folder for the results [default: runs/EXPERIMENT/UTC-TIME]
    #[arg(long = "out", alias = "output-dir", value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    /// Folder with the data set's official files [default: $SI_DATA_DIR, then the cache]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Go on with the runs that a folder lacks, with its settings; without DIR, in the newest
    /// unfinished one. More --seeds may be asked for than before
    #[arg(long, value_name = "DIR")]
    pub(crate) resume: Option<Option<PathBuf>>,
}

/// Adds to the help of every setting its key, and the value that it has in the paper's protocol.
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
        // The default there is better than that of the text.
        let help = match help.split_once(" [default") {
            Some((help, _)) if !default.is_empty() => help.to_string(),
            _ => help,
        };
        let help = format!("{help}{default} [key: {key}]");
        argument.help(help)
    })
}

/// A value as it is typed behind its flag.
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
const HELD_PRECISIONS: &[&str] = &["parameter", "bf16"];
const CONTROLS: &[&str] = &["dropout", "joint", "scratch"];
const ELASTIC_FORMS: &[&str] = &["per_task", "online"];
const FISHER_LABELS: &[&str] = &["exact", "sampled"];
const DATA_SETS: &[&str] = &["mnist", "fashion-mnist"];
const SCENARIOS: &[&str] = &["task", "domain", "class"];
const ACTIVATIONS: &[&str] = &["relu", "tanh", "gelu", "sigmoid"];
const OPTIMIZERS: &[&str] = &["adam", "sgd", "adamw", "rmsprop"];
const OPTIMIZER_RESETS: &[&str] = &["none", "moments", "all"];

impl Settings {
    /// The flags over the TOML file, and both over `base`.
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
        self.protocol.apply(&mut config);
        self.method.apply(&mut config);
        self.run.apply(&mut config);
        config.validate()?;
        Ok(config)
    }
}

impl ProtocolSettings {
    fn apply(&self, config: &mut ExperimentConfig) {
        config.data_set = self.data_set.or(config.data_set);
        set(&mut config.scenario, &self.scenario);
        set(&mut config.num_tasks, &self.num_tasks);
        config.num_train_images = self.num_train_images.or(config.num_train_images);
        config.num_train_evaluated = self.num_train_evaluated.or(config.num_train_evaluated);
        config.num_held_out = self.num_held_out.or(config.num_held_out);
        set(&mut config.record_correlations, &self.record_correlations);
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
    fn apply(&self, config: &mut ExperimentConfig) {
        set(&mut config.strengths, &self.strengths);
        set(&mut config.preset, &self.preset);
        set(&mut config.held_precision, &self.held_precision);
        set(&mut config.controls, &self.controls);
        set(&mut config.elastic_strengths, &self.elastic_strengths);
        set(&mut config.elastic_form, &self.elastic_form);
        set(&mut config.fisher_labels, &self.fisher_labels);
        set(&mut config.num_fisher_images, &self.num_fisher_images);
        config.damping = self.damping.or(config.damping);
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

/// Parses a name as the TOML file does.
fn one_of<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    names: &'static [&'static str],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(names).try_map(|name| named::<T>(&name))
}

fn named<T: DeserializeOwned>(name: &str) -> Result<T, NameError> {
    let name: StrDeserializer<'_, NameError> = name.into_deserializer();
    T::deserialize(name)
}

#[cfg(test)]
mod tests;
