//! The program `si`: runs the experiments of Synaptic Intelligence and shows their results.

use std::process::ExitCode;

mod cli;
mod commands;
mod exit;
mod experiment;
mod interrupt;
mod jobs;
mod logger;
mod meter;
mod output;
mod output_folder;
mod plan_file;
mod progress;
mod ranges;
mod settings;
mod shard;

fn main() -> ExitCode {
    let cli = cli::Cli::read();
    cli.start_logger();
    // Before any device is used. Each worker is this program too.
    si_bench::keep_kernels();
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            exit::print(&error);
            ExitCode::from(exit::code(&error))
        }
    }
}
