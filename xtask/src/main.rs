//! Maintenance commands of the project: `cargo xtask <command>`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that talks to the terminal"
)]

mod bench;
mod book;
mod ci;
mod command;
mod features;
mod gpu_check;
mod package;
mod readme;
mod repro;
mod results;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// Maintenance commands of the project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
enum Xtask {
    /// Run all checks that a change must pass, cheapest first
    Ci(ci::Ci),
    /// Test everything on Flex, and on request on other backends
    Test(test::Test),
    /// Measure what consolidation costs a training step
    Bench(bench::Bench),
    /// Check a card, here or with an archive on a machine without a toolchain
    GpuCheck(gpu_check::GpuCheck),
    /// Check that si-core compiles with each backend alone, and with what else it has
    Features(features::Features),
    /// Pack what is published, and try it in a program outside the workspace
    Package(package::Package),
    /// Build the book in `docs`, or check it
    Book(book::Book),
    /// Write the numbers in README.md from docs/results and docs/performance.md, or check them
    Readme(readme::Readme),
    /// Reproduce the whole paper, and update docs/results from it
    Repro(repro::Repro),
}

fn main() -> ExitCode {
    let result = match Xtask::parse() {
        Xtask::Ci(ci) => ci.run(),
        Xtask::Test(test) => test.run(),
        Xtask::Bench(bench) => bench.run(),
        Xtask::GpuCheck(check) => check.run(),
        Xtask::Features(features) => features.run(),
        Xtask::Package(package) => package.run(),
        Xtask::Book(book) => book.run(),
        Xtask::Readme(readme) => readme.run(),
        Xtask::Repro(repro) => repro.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
