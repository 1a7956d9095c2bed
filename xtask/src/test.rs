use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Value;

use crate::command::{build_with, clear, command, run, workspace};

/// What tests are built with, in one build: the backends of [`DEVICES`], and burn-train.
pub(crate) const FEATURES: &str = "ndarray,wgpu,train";

/// The backends beside Flex that can be linked without a vendor's toolkit.
pub(crate) const DEVICES: [&str; 2] = ["ndarray", "wgpu"];

/// Test everything on Flex, and what computes on a device on ndarray and wgpu too.
///
/// All tests run on Flex; those of si-core again on ndarray, and on wgpu where there is a GPU or Mesa's
/// lavapipe (in Debian: mesa-vulkan-drivers), but for the longest of them, each followed by a short split MNIST.
#[derive(Args)]
pub(crate) struct Test {
    /// Backends besides Flex, which must have a device here [default: ndarray, and wgpu where it has]
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    pub(crate) devices: Option<Vec<String>>,
    /// Test devices of a server too, which from nothing takes about six minutes more to build on two cores
    #[arg(long)]
    pub(crate) remote: bool,
}

impl Test {
    pub(crate) fn run(&self) -> Result<()> {
        let others = self.devices.iter().flatten();
        let others = others.filter(|device| !DEVICES.contains(&device.as_str()));
        // What a server needs is no small part of all there is to build, and its operations are Burn's own, which tests on
        // ndarray are of too. So the checks check the types of it alone.
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
                    println!("\nwgpu: no device is found here, so nothing is tested on it");
                }
                let others = DEVICES.map(String::from).into_iter();
                others.filter(|name| found.contains(name)).collect()
            }
        };
        let tests = tests_of("si-core")?;
        for device in devices {
            if !found.contains(&device) {
                bail!(
                    "no {device} is found here; `cargo run -p si-cli --features ndarray,wgpu -- devices` tells \
                     what is. Without a GPU, wgpu needs Mesa's lavapipe (in Debian: mesa-vulkan-drivers)"
                );
            }
            let is_run = |test: &&PathBuf| {
                !is_on_flex_anywhere(test) && (device != "wgpu" || !is_long_on_wgpu(test))
            };
            for test in tests.iter().filter(is_run) {
                let mut test = Command::new(test);
                test.current_dir(workspace().join("crates/si-core"));
                test.env("BURN_DEVICE", &device);
                if device == "wgpu" {
                    // On a processor that stands in for a GPU each operation takes its time.
                    test.env("PROPTEST_CASES", "4");
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

/// Whether a test program is one of many small steps, which take their time each where a processor stands in for a
/// GPU. What it computes with there, other tests have compared already.
fn is_long_on_wgpu(test: &Path) -> bool {
    is_called(test, &["conformance-"])
}

/// Whether a test program is about Flex, whatever the device under test, or about what a module goes through, which is
/// no different on another device.
fn is_on_flex_anywhere(test: &Path) -> bool {
    let names = ["burn_nn-", "life-", "lifecycle-", "remote-", "replicas-"];
    is_called(test, &names)
}

/// Whether the file of a test program, which ends in a number of cargo's, begins with one of `names`.
fn is_called(test: &Path, names: &[&str]) -> bool {
    let file = test.file_name().unwrap_or_default().to_string_lossy();
    names.iter().any(|name| file.starts_with(name))
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

/// The test programs of a package, out of the build that all share.
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
        if let (true, Some(path)) = (is_of_package, message["executable"].as_str()) {
            tests.push(PathBuf::from(path));
        }
    }
    if tests.is_empty() {
        bail!("cargo names no test of {package}");
    }
    Ok(tests)
}
