use std::num::NonZero;
use std::thread;

use clap::Args;
use si_bench::{AUTO, BackendInfo, DeviceInfo};

use crate::output;

/// List the devices that `--device` takes: what is compiled in, and what is found
#[derive(Args, Debug)]
pub(crate) struct DevicesArgs {}

pub(crate) fn run(_args: &DevicesArgs) -> anyhow::Result<()> {
    let backends = si_bench::available();
    output::result(format_args!("{:<10} {:<24} description", "device", "found"))?;
    for BackendInfo { name, about, found } in &backends {
        match found {
            None => output::result(format_args!("{name:<10} {:<24} {about}", "not compiled in"))?,
            Some(devices) if devices.is_empty() => {
                output::result(format_args!("{name:<10} {:<24} {about}", "none"))?;
            }
            Some(devices) => {
                for device in devices {
                    output::result(format_args!(
                        "{:<10} {:<24} {about}",
                        device.name,
                        description(device)
                    ))?;
                }
            }
        }
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    output::result(format_args!("\nCPU cores for this program: {cores}"))?;
    output::result(format_args!(
        "--device {AUTO}, the default, is {}",
        si_bench::resolve_device(AUTO)?
    ))?;
    output::result(
        "A device that is not compiled in needs its feature: cargo run -p si-cli --features NAME",
    )?;
    Ok(())
}

/// Its own name and memory, where it tells.
fn description(device: &DeviceInfo) -> String {
    let model = device.model.as_deref().unwrap_or("yes");
    match device.memory {
        Some(bytes) => format!("{model}, {:.1} GB", bytes as f64 / 1e9),
        None => model.to_string(),
    }
}
