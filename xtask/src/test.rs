use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Value;

use crate::command::{build_with, clear, command, run, workspace};

/// The features that tests are built with, in one build: the backends of [`DEVICES`], and burn-train.
pub(crate) const FEATURES: &str = "ndarray,wgpu,train";

/// The backends other than Flex that can be linked without a vendor's toolkit.
pub(crate) const DEVICES: [&str; 2] = ["ndarray", "wgpu"];

/// Test everything on Flex, and si-core also on ndarray and wgpu.
///
/// First runs all tests on Flex. Then runs those tests of si-core that depend on the device again on ndarray, and on
/// wgpu without the longest ones. wgpu needs a GPU or Mesa's lavapipe (in Debian: mesa-vulkan-drivers) and is skipped
/// otherwise. A short split MNIST follows on each device.
#[derive(Args)]
pub(crate) struct Test {
    /// Backends besides Flex. They must have a device here [default: ndarray, and wgpu if it has a device]
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    pub(crate) devices: Option<Vec<String>>,
    /// Also test devices on a server. A build from scratch takes about six minutes longer on two cores
    #[arg(long)]
    pub(crate) remote: bool,
}

impl Test {
    pub(crate) fn run(&self) -> Result<()> {
        let others = self.devices.iter().flatten();
        let others = others.filter(|device| !DEVICES.contains(&device.as_str()));
        // The server is slow to build, and it uses Burn's own operations, which the tests on ndarray also cover. So by
        // default only `cargo xtask ci` checks its types.
        let remote = self.remote.then(|| "remote".to_string());
        let features = others
            .chain(&remote)
            .fold(FEATURES.to_string(), |features, further| {
                features + "," + further
            });
        build_with(&features)?;
        run(command("cargo test --workspace")?)?;
        let found = found_devices()?;
        let devices = match &self.devices {
            Some(devices) => devices.clone(),
            None => {
                if !found.contains("wgpu") {
                    println!("\nwgpu: no device found, so its tests are skipped");
                }
                let others = DEVICES.map(String::from).into_iter();
                others.filter(|name| found.contains(name)).collect()
            }
        };
        let tests = tests_of("si-core")?;
        for device in devices {
            if !found.contains(&device) {
                bail!(
                    "{device} has no device here; `cargo run -p si-cli --features ndarray,wgpu -- devices` lists \
                     the devices. Without a GPU, wgpu needs Mesa's lavapipe (in Debian: mesa-vulkan-drivers)"
                );
            }
            for test in &tests {
                let mut test = Command::new(test);
                test.current_dir(workspace().join("crates/si-core"));
                test.env("BURN_DEVICE", &device);
                skip(&mut test, ALWAYS_ON_FLEX);
                if device == "wgpu" {
                    // If a processor emulates the GPU, each operation is slow.
                    test.env("PROPTEST_CASES", "4");
                    skip(&mut test, LONG_ON_WGPU);
                }
                println!("\n{device}:");
                run(test)?;
            }
            let out = format!("target/trial/on-{device}");
            clear(&out)?;
            run(command(&format!(
                "cargo run -p si-cli -- split-mnist --device {device} --jobs 1 --seeds 1 \
                 --tasks 2 --epochs 1 --train-images 1280 --train-evaluated 500 --hidden-sizes 64,64 --out \
                 {out}"
            ))?)?;
        }
        Ok(())
    }
}

/// Tests that take many small steps. They are slow if a processor emulates the GPU. Other tests cover the same
/// operations.
const LONG_ON_WGPU: &[&str] = &["burn_nn::", "conformance::", "life::"];

/// Tests that always use Flex.
const ALWAYS_ON_FLEX: &[&str] = &["replicas::"];

/// Leaves out the tests of these modules.
fn skip(test: &mut Command, modules: &[&str]) {
    for module in modules {
        test.args(["--skip", module]);
    }
}

/// The names of backends that are compiled in and have a device.
fn found_devices() -> Result<BTreeSet<String>> {
    let mut devices = command("cargo run --quiet -p si-cli -- devices")?;
    let output = devices.stderr(Stdio::inherit()).output()?;
    ensure!(
        output.status.success(),
        "`si devices` failed: {}",
        output.status
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().take_while(|line| !line.is_empty()).skip(1);
    let found = lines.filter(|line| !line.contains("not compiled in") && !line.contains(" none "));
    let names = found.filter_map(|line| line.split_whitespace().next());
    let names = names.map(|name| name.split(':').next().unwrap_or(name).to_string());
    Ok(names.collect())
}

/// The test programs of a package that run on any device, from the build that all packages share.
fn tests_of(package: &str) -> Result<Vec<PathBuf>> {
    let line = "cargo test --workspace --no-run --message-format json-render-diagnostics";
    let output = command(line)?.stderr(Stdio::null()).output()?;
    ensure!(
        output.status.success(),
        "`{line}` failed: {}",
        output.status
    );
    let text = String::from_utf8(output.stdout).context("cargo writes UTF-8")?;
    let mut tests = Vec::new();
    for line in text.lines() {
        let message: Value = serde_json::from_str(line).context("cargo writes JSON")?;
        let is_of_package = message["package_id"]
            .as_str()
            .is_some_and(|id| id.contains(&format!("/{package}#")));
        let is_included = is_of_package && message["target"]["name"] != "remote";
        if let (true, Some(path)) = (is_included, message["executable"].as_str()) {
            tests.push(PathBuf::from(path));
        }
    }
    if tests.is_empty() {
        bail!("cargo names no test of {package}");
    }
    Ok(tests)
}
