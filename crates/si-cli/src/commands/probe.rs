use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use clap::Args;
use si_bench::experiment::{Condition, Experiment, ExperimentConfig, Probe, Run};

use crate::{exit, output};

/// Estimate the cost of a run from a few steps, and write it to stdout as JSON
#[derive(Args, Debug)]
#[command(hide = true)]
pub(crate) struct ProbeArgs {
    /// The config as TOML text
    config: String,
    /// Index of the condition
    condition: usize,
    /// Name of the experiment
    experiment: Experiment,
}

pub(crate) fn run(args: &ProbeArgs) -> anyhow::Result<()> {
    let config = ExperimentConfig::from_toml(args.experiment, &args.config)?;
    let conditions = config.conditions();
    let condition = conditions.get(args.condition);
    let run = Run {
        condition: condition.context("the config has fewer conditions")?,
        config: &config,
        seed: config.first_seed,
        checkpoints: None,
    };
    output::result(serde_json::to_string(&run.probe()?)?)?;
    Ok(())
}

/// Probes a condition of `config` in `process`, which is set up as for training.
pub(crate) fn probe(
    mut process: Command,
    config: &ExperimentConfig,
    condition: &Condition,
) -> anyhow::Result<Probe> {
    let conditions = config.conditions();
    let index = conditions.iter().position(|other| other == condition);
    let output = process
        .arg("probe")
        .arg(config.to_toml())
        .arg(index.unwrap_or(conditions.len()).to_string())
        .arg(config.experiment.name())
        .stdin(Stdio::null())
        .output()
        .context("cannot start a process")?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let text = text.trim();
        bail!("{}", text.strip_prefix(exit::PREFIX).unwrap_or(text));
    }
    serde_json::from_slice(&output.stdout).context("cannot read the output of the process")
}
