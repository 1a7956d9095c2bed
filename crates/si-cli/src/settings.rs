use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::value::{Error as NameError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use si_bench::data::DataSet;
use si_bench::experiment::{Activation, ExperimentConfig, Optimizer, Scenario};
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
    /// Images and labels that the tasks are made of [default: mnist (section 5.1)]
    /// [key: data_set]
    #[arg(long, value_name = "NAME", value_parser = one_of::<DataSet>(DATA_SETS))]
    data_set: Option<DataSet>,
    /// What the model is told: the task (the paper's multi-head), or not, with outputs shared by
    /// all tasks (domain) or one output per class (class) [default: task (section 5.1)]
    /// [key: scenario]
    #[arg(long, value_name = "NAME", value_parser = one_of::<Scenario>(SCENARIOS))]
    scenario: Option<Scenario>,
    /// Epochs per task, ≥ 1 [default: 10 (section 5.1)] [key: num_epochs]
    #[arg(long = "epochs", alias = "num-epochs", value_name = "N")]
    num_epochs: Option<usize>,
    /// Images per minibatch, ≥ 1; the last, short one is kept [default: 64 (section 5.1)]
    /// [key: batch_size]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Learning rate η, > 0 [default: 0.001 (section 5.1)] [key: learning_rate]
    #[arg(long, value_name = "ETA", allow_negative_numbers = true)]
    learning_rate: Option<f64>,
    /// Units of each hidden layer [default: 256,256 (section 5.1)] [key: hidden_sizes]
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    hidden_sizes: Option<Vec<usize>>,
    /// Activation of the hidden layers [default: relu (section 5.1)] [key: activation]
    #[arg(long, value_name = "NAME", value_parser = one_of::<Activation>(ACTIVATIONS))]
    activation: Option<Activation>,
    /// Optimizer [default: adam (section 5.1; β1 = 0.9, β2 = 0.999)] [key: optimizer]
    #[arg(long, value_name = "NAME", value_parser = one_of::<Optimizer>(OPTIMIZERS))]
    optimizer: Option<Optimizer>,
    /// Momentum of sgd, in [0, 1) [default: 0.9 (not in the paper)] [key: momentum]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    momentum: Option<f64>,
    /// Whether the optimizer forgets its state between tasks [default: true (section 5.1)]
    /// [key: reset_optimizer]
    #[arg(long, value_name = "BOOL")]
    reset_optimizer: Option<bool>,
    /// Seeds per condition, ≥ 1 [default: 3 (the paper has 10, fig. 3)] [key: num_seeds]
    #[arg(long = "seeds", alias = "num-seeds", value_name = "N")]
    num_seeds: Option<usize>,
    /// The first seed; the others follow it [default: 0 (not in the paper)] [key: first_seed]
    #[arg(long, value_name = "N")]
    first_seed: Option<u64>,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Method")]
struct MethodSettings {
    /// Strengths c of the penalty (eq. 4), ≥ 0, one condition each; 0 is the control
    /// [default: 0,1 (fig. 3)] [key: strengths]
    #[arg(
        long,
        value_name = "C,C,...",
        value_delimiter = ',',
        allow_negative_numbers = true
    )]
    strengths: Option<Vec<f64>>,
    /// Damping ξ (eq. 5), > 0 [default: that of the preset; paper: 0.001 (section 5.1)]
    /// [key: damping]
    #[arg(long, value_name = "XI", allow_negative_numbers = true)]
    damping: Option<f64>,
    /// What the method does where implementations differ [default: paper] [key: preset]
    #[arg(long, value_name = "NAME", value_parser = one_of::<Preset>(PRESETS))]
    preset: Option<Preset>,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Run")]
pub(crate) struct RunSettings {
    /// TOML file with settings; flags win over it, and absent keys keep their defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Device, with an index where there are several, as `si devices` lists them
    /// [default: flex] [key: device]
    #[arg(long, value_name = "NAME[:INDEX]")]
    device: Option<String>,
    /// Runs at a time, each in a process of its own with cores / jobs threads [default: the
    /// cores] [key: num_jobs]
    #[arg(long = "jobs", alias = "num-jobs", value_name = "N")]
    num_jobs: Option<usize>,
    /// Folder for the results [default: runs/EXPERIMENT/UTC-TIME] [key: output_dir]
    #[arg(long = "out", alias = "output-dir", value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    /// Folder with the data set's official files [default: $SI_DATA_DIR, then the cache]
    /// [key: data_dir]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Go on with the runs that a folder lacks, with its settings; without DIR, in the newest
    /// unfinished one. More --seeds may be asked for than before
    #[arg(long, value_name = "DIR")]
    pub(crate) resume: Option<Option<PathBuf>>,
}

const PRESETS: &[&str] = &[
    "paper",
    "pathint_permuted",
    "avalanche",
    "van_de_ven",
    "benzing",
];
const DATA_SETS: &[&str] = &["mnist", "fashion-mnist"];
const SCENARIOS: &[&str] = &["task", "domain", "class"];
const ACTIVATIONS: &[&str] = &["relu", "tanh", "gelu", "sigmoid"];
const OPTIMIZERS: &[&str] = &["adam", "sgd", "adamw", "rmsprop"];

impl Settings {
    /// The flags over the TOML file, and both over `base`, of which a TOML file leaves nothing.
    pub(crate) fn over(&self, base: ExperimentConfig) -> anyhow::Result<ExperimentConfig> {
        let mut config = match &self.run.config {
            None => base,
            Some(path) => {
                let text = fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                ExperimentConfig::from_toml(base.experiment, &text)
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
        set(&mut config.data_set, &self.data_set);
        set(&mut config.scenario, &self.scenario);
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
        config.damping = self.damping.or(config.damping);
    }
}

impl RunSettings {
    fn apply(&self, config: &mut ExperimentConfig) {
        set(&mut config.device, &self.device);
        config.num_jobs = self.num_jobs.or(config.num_jobs);
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
