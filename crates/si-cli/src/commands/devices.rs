use std::num::NonZero;
use std::thread;

use clap::Args;
use indicatif::DecimalBytes;
use si_bench::{AUTO, BackendInfo, DeviceInfo};
use si_core::MatmulPrecision;

use crate::output;

/// List the devices for `--device`: which backends are compiled in, and which devices are found
#[derive(Args, Debug)]
pub(crate) struct DevicesArgs {
    /// Also measure how precise each device's float32 products are. This compiles kernels on a GPU,
    /// which takes about a second for each
    #[arg(long)]
    measure: bool,
}

pub(crate) fn run(args: &DevicesArgs) -> anyhow::Result<()> {
    let mut rows = vec![["device", "found", "description"].map(String::from)];
    for BackendInfo { name, about, found } in si_bench::available() {
        let row = |name: &str, found: &str| [name, found, about].map(String::from);
        match found {
            None => rows.push(row(name, "not compiled in")),
            Some(devices) if devices.is_empty() => rows.push(row(name, "none")),
            Some(devices) => {
                for device in devices {
                    let mut found = description(&device);
                    if args.measure {
                        let measured = MatmulPrecision::measure(&si_bench::device(&device.name)?);
                        found += &format!(", float32 products {measured}");
                    }
                    rows.push(row(&device.name, &found));
                }
            }
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let (first, second) = (width(0).unwrap_or(0), width(1).unwrap_or(0));
    for [name, found, about] in &rows {
        output::result(format_args!("{name:<first$}  {found:<second$}  {about}"))?;
    }
    let has_kernels = cfg!(any(
        feature = "cpu",
        feature = "wgpu",
        feature = "webgpu",
        feature = "vulkan",
        feature = "metal",
        feature = "cuda",
        feature = "rocm"
    ));
    if has_kernels {
        let tuning = if cfg!(any(
            feature = "vulkan",
            feature = "metal",
            feature = "cuda",
            feature = "rocm"
        )) {
            "on"
        } else {
            "off"
        };
        output::result(format_args!(
            "\nBurn's kernels: fusion on, autotune {tuning}"
        ))?;
        match si_bench::kept_kernels() {
            Ok(Some(kept)) => output::result(format_args!(
                "kept for later runs: {} compiled, {} tuned, {} in {}",
                kept.num_compiled,
                kept.num_tuned,
                DecimalBytes(kept.num_bytes),
                kept.file.display()
            ))?,
            Ok(None) => output::result("kept for later runs: nothing, by your settings")?,
            Err(error) => output::result(format_args!("kept for later runs: {error}"))?,
        }
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    output::result(format_args!("\nCPU cores for this program: {cores}"))?;
    match si_bench::resolve_device(AUTO) {
        Ok(name) => output::result(format_args!("--device {AUTO}, the default, is {name}"))?,
        Err(error) => output::result(format_args!("--device {AUTO}, the default: {error}"))?,
    }
    output::result(
        "A device that is not compiled in needs its feature: cargo run -p si-cli --features NAME",
    )?;
    Ok(())
}

/// The device's model name and memory, as far as they are known.
fn description(device: &DeviceInfo) -> String {
    let model = device.model.as_deref().unwrap_or("yes");
    match device.memory {
        Some(bytes) => format!("{model}, {}", DecimalBytes(bytes)),
        None => model.to_string(),
    }
}
