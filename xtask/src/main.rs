//! The project's chores: `cargo xtask <command>`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that talks to the terminal"
)]

mod bench;
mod book;
mod ci;
mod command;
mod repro;
mod results;
mod test;

use std::process::ExitCode;

use clap::Parser;

/// Chores of the project.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
enum Xtask {
    /// Check everything that a change must pass, cheapest first
    Ci(ci::Ci),
    /// Test everything, on Flex, ndarray and wgpu
    Test(test::Test),
    /// Measure what consolidation costs a training step
    Bench(bench::Bench),
    /// Make the book of `docs`, or check it
    Book(book::Book),
    /// Make the whole paper again, and refresh docs/results from it
    Repro(repro::Repro),
}

fn main() -> ExitCode {
    let result = match Xtask::parse() {
        Xtask::Ci(ci) => ci.run(),
        Xtask::Test(test) => test.run(),
        Xtask::Bench(bench) => bench.run(),
        Xtask::Book(book) => book.run(),
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
