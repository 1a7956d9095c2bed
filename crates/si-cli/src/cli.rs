use std::sync::LazyLock;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use si_bench::compiled_backends;
use si_bench::experiment::Experiment;
use si_core::checkpoint::BURN_VERSION;

use crate::commands::{
    compare, completions, data, devices, frontier, inspect, man, merge, methods, metrics,
    permuted_mnist, probe, report, repro, schematics, split_cifar, split_mnist, status, sweep,
    theory, worker,
};
use crate::{logger, settings};

/// What `--version` prints; `-V` prints only the first line.
static LONG_VERSION: LazyLock<String> = LazyLock::new(|| {
    let version = env!("CARGO_PKG_VERSION");
    let backends: Vec<&str> = compiled_backends().collect();
    format!(
        "{version}\nBurn {BURN_VERSION}\nbackends: {}",
        backends.join(", ")
    )
});

/// Synaptic Intelligence: continual learning that protects what matters for earlier tasks.
///
/// Runs the experiments of Zenke, Poole and Ganguli (ICML 2017). Section, figure and equation
/// numbers in this help refer to that paper.
#[derive(Debug, Parser)]
#[command(name = "si", version, long_version = LONG_VERSION.as_str(), arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    SplitMnist(Box<split_mnist::SplitMnistArgs>),
    PermutedMnist(Box<permuted_mnist::PermutedMnistArgs>),
    SplitCifar(Box<split_cifar::SplitCifarArgs>),
    Sweep(Box<sweep::SweepArgs>),
    Compare(Box<compare::CompareArgs>),
    Frontier(frontier::FrontierArgs),
    Repro(repro::ReproArgs),
    Theory(theory::TheoryArgs),
    Schematics(schematics::SchematicsArgs),
    Data(data::DataArgs),
    Devices(devices::DevicesArgs),
    Methods(methods::MethodsArgs),
    Status(status::StatusArgs),
    Merge(merge::MergeArgs),
    Report(report::ReportArgs),
    Metrics(metrics::MetricsArgs),
    Inspect(inspect::InspectArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Worker(worker::WorkerArgs),
    Probe(probe::ProbeArgs),
}

impl Cli {
    /// Reads the command line. If it asks for help or is wrong, prints that and ends the program.
    pub(crate) fn read() -> Self {
        Self::from_arg_matches(&Self::described().get_matches())
            .unwrap_or_else(|error| error.exit())
    }

    /// The command line. The help of each experiment's settings shows their defaults.
    fn described() -> clap::Command {
        // So that the error about `--epochs -1` is about the value of `--epochs`, not about a flag `-1`.
        let command = Self::command().mut_subcommands(|command| {
            command.mut_args(|arg| {
                let is_flag = !arg.get_action().takes_values();
                arg.allow_negative_numbers(!is_flag)
            })
        });
        Experiment::ALL
            .into_iter()
            .fold(command, |command, experiment| {
                command.mut_subcommand(experiment.name(), |command| {
                    settings::describe(command, experiment)
                })
            })
    }

    /// A worker's warnings go to its parent; all others to stderr.
    pub(crate) fn start_logger(&self) {
        match self.command {
            Command::Worker(_) => logger::start_sending(worker::warn),
            _ => logger::start(),
        }
    }

    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            Command::SplitMnist(args) => split_mnist::run(args),
            Command::PermutedMnist(args) => permuted_mnist::run(args),
            Command::SplitCifar(args) => split_cifar::run(args),
            Command::Sweep(args) => sweep::run(args),
            Command::Compare(args) => compare::run(args),
            Command::Frontier(args) => frontier::run(args),
            Command::Repro(args) => repro::run(args),
            Command::Theory(args) => theory::run(args),
            Command::Schematics(args) => schematics::run(args),
            Command::Data(args) => data::run(args),
            Command::Devices(args) => devices::run(args),
            Command::Methods(args) => methods::run(args),
            Command::Status(args) => status::run(args),
            Command::Merge(args) => merge::run(args),
            Command::Report(args) => report::run(args),
            Command::Metrics(args) => metrics::run(args),
            Command::Inspect(args) => inspect::run(args),
            Command::Completions(args) => completions::run(args, &Self::described()),
            Command::Man(args) => man::run(args, Self::described()),
            Command::Worker(args) => worker::run(args),
            Command::Probe(args) => probe::run(args),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::described().debug_assert();
    }
}
