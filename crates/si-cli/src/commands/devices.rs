use std::num::NonZero;
use std::thread;

use clap::Args;

use crate::output;

/// List the devices that `--device` takes: what is compiled in, and what is found
#[derive(Args, Debug)]
pub(crate) struct DevicesArgs {}

pub(crate) fn run(_args: &DevicesArgs) -> anyhow::Result<()> {
    output::result(format_args!(
        "{:<10} {:<12} {:<8} description",
        "device", "compiled in", "found"
    ))?;
    for backend in si_bench::available() {
        let (compiled, found) = match backend.found {
            Some(found) => ("yes", found.to_string()),
            None => ("no", "-".to_string()),
        };
        output::result(format_args!(
            "{:<10} {compiled:<12} {found:<8} {}",
            backend.name, backend.about
        ))?;
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    output::result(format_args!("\nCPU cores for this program: {cores}"))?;
    output::result(format_args!(
        "A device that is not compiled in needs its feature: cargo run -p si-cli --features NAME"
    ))?;
    Ok(())
}
