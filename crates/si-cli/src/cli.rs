use std::sync::LazyLock;

use clap::{Parser, Subcommand};
use si_bench::experiment::Versions;

use crate::commands::{data, devices, report, schematics, split_mnist, theory, worker};

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let Versions { si, burn } = Versions::current();
    format!("{si} (Burn {burn})")
});

/// Synaptic Intelligence: continual learning that protects what matters for earlier tasks.
///
/// Runs the experiments of Zenke, Poole and Ganguli (ICML 2017). Sections, figures and equations
/// named below are that paper's.
#[derive(Debug, Parser)]
#[command(name = "si", version = VERSION.as_str(), arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    SplitMnist(Box<split_mnist::SplitMnistArgs>),
    Theory(theory::TheoryArgs),
    Schematics(schematics::SchematicsArgs),
    Data(data::DataArgs),
    Devices(devices::DevicesArgs),
    Report(report::ReportArgs),
    Worker(worker::WorkerArgs),
}

impl Cli {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            Command::SplitMnist(args) => split_mnist::run(args),
            Command::Theory(args) => theory::run(args),
            Command::Schematics(args) => schematics::run(args),
            Command::Data(args) => data::run(args),
            Command::Devices(args) => devices::run(args),
            Command::Report(args) => report::run(args),
            Command::Worker(args) => worker::run(args),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
