use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::command::{
    Built, OF_EXAMPLES, build, build_with, clear, command, known_backends, workspace,
};

/// The features that all tests are built with, in one build: the backends of [`DEVICES`] that are not default features,
/// burn-train, and what the examples with a language model need.
pub(crate) const FEATURES: &str = "ndarray,wgpu,train,language";

/// The backends that can be linked without a vendor's toolkit.
pub(crate) const DEVICES: [&str; 3] = ["flex", "ndarray", "wgpu"];

/// Test everything on Flex, the default backend, or also on others. A table at the end says what passed, and what was not
/// tested and why.
///
/// By default, this adds little to what `cargo run -p si-cli` has built. With --all or --devices, it also tests burn-train,
/// and builds the other backends: from scratch, that takes about half an hour on two cores. There, si-core's unit tests and
/// suite run, and a short split MNIST follows. With a card, name its backend: `--devices cuda`, or vulkan, metal, rocm.
/// Without one, wgpu needs Mesa's lavapipe (in Debian: mesa-vulkan-drivers). A processor then emulates the card, and the
/// longest tests are left out.
#[derive(Args)]
pub(crate) struct Test {
    /// Backends to test on. Each must have a device here [default: flex]
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    pub(crate) devices: Vec<String>,
    /// Test on flex, ndarray, and wgpu if it has a device here
    #[arg(long, conflicts_with = "devices")]
    pub(crate) all: bool,
    /// Also test devices on a server. A build from scratch takes about six minutes longer on two cores
    #[arg(long)]
    pub(crate) remote: bool,
}

/// Tests of si-core's suite that take many small steps. They are slow if a processor emulates the card. Other tests
/// cover the same operations.
pub(crate) const LONG: &[&str] = &["burn_nn::", "conformance::", "life::"];

/// The same of si-core's unit tests: whole trainings, some of whose steps other tests compare.
const LONG_UNIT_TESTS: &[&str] = &["_in_one_pass_equals_burns_"];

/// Tests of si-core's suite that always use Flex.
pub(crate) const ALWAYS_ON_FLEX: &[&str] = &["forks::"];

impl Test {
    pub(crate) fn run(&self) -> Result<()> {
        let devices = self.devices();
        known_backends(&devices)?;
        let is_plain = devices == ["flex"] && !self.remote;
        let features = if is_plain {
            String::new()
        } else {
            format!("{},{OF_EXAMPLES}", features(&devices, self.remote))
        };
        build_with(&features)?;
        let mut report = Report::default();
        let mut others = Vec::new();
        let found = if is_plain {
            let reason = "burn-train, and other backends than flex: add --all, or --devices";
            report.not_tested(reason.to_string());
            BTreeMap::new()
        } else {
            found_devices()?
        };
        for device in devices.iter().filter(|device| *device != "flex") {
            match found.get(device) {
                Some(model) => others.push((device, model)),
                None => {
                    let reason = not_found(device, &found);
                    ensure!(self.all, "{reason}");
                    report.not_tested(reason);
                }
            }
        }
        if devices.iter().any(|device| device == "flex") {
            report.run(
                "flex",
                "all tests",
                command("cargo test --workspace --no-fail-fast")?,
            )?;
        } else if self.remote {
            let remote = command("cargo test --workspace --test remote")?;
            report.run("flex", "on a server", remote)?;
        }
        if !self.remote {
            // The server is slow to build, and it uses Burn's own operations, which the tests on ndarray also cover.
            // So by default only `cargo xtask ci` checks its types.
            report.not_tested("devices on a server: add --remote".to_string());
        }
        if !others.is_empty() {
            let programs = programs_of_si_core()?;
            for (device, model) in others {
                for program in &programs {
                    report.run_on(device, model, program)?;
                }
                report.run(device, "short split MNIST", short_split_mnist(device)?)?;
            }
        }
        report.end()
    }

    fn devices(&self) -> Vec<String> {
        if self.all {
            DEVICES.map(String::from).to_vec()
        } else if self.devices.is_empty() {
            vec!["flex".to_string()]
        } else {
            self.devices.clone()
        }
    }
}

/// The features for tests on these backends.
pub(crate) fn features(devices: &[String], remote: bool) -> String {
    let backends = devices.iter().map(String::as_str);
    let backends = backends.filter(|device| *device != "flex");
    let others = ["train"].into_iter().chain(remote.then_some("remote"));
    backends.chain(others).collect::<Vec<_>>().join(",")
}

/// The programs that run on any device: si-core's unit tests and suite, from the build that all packages share.
pub(crate) fn programs_of_si_core() -> Result<Vec<Built>> {
    let mut programs = build("cargo test --workspace --no-run --lib --test suite")?;
    programs.retain(|it| it.package == "si-core");
    ensure!(!programs.is_empty(), "cargo names no test of si-core");
    Ok(programs)
}

fn short_split_mnist(device: &str) -> Result<Command> {
    let out = format!("target/trial/on-{device}");
    clear(&out)?;
    command(&format!(
        "cargo run -p si-cli -- split-mnist --device {device} --jobs 1 --seeds 1 --tasks 2 --epochs 1 \
         --train-images 1280 --train-evaluated 500 --hidden-sizes 64,64 --matmul-precision any --out {out}"
    ))
}

/// The backends that are compiled in and have a device, with the model of their first device.
fn found_devices() -> Result<BTreeMap<String, String>> {
    let mut devices = command("cargo run --quiet -p si-cli -- devices")?;
    let output = devices.stderr(Stdio::inherit()).output()?;
    ensure!(
        output.status.success(),
        "`si devices` failed: {}",
        output.status
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut found = BTreeMap::new();
    for line in text.lines().take_while(|line| !line.is_empty()).skip(1) {
        // Columns are two spaces apart.
        let mut columns = line.split("  ").map(str::trim).filter(|it| !it.is_empty());
        let (Some(name), Some(model)) = (columns.next(), columns.next()) else {
            continue;
        };
        if !["none", "not compiled in"].contains(&model) {
            let backend = name.split(':').next().unwrap_or(name);
            found
                .entry(backend.to_string())
                .or_insert_with(|| model.to_string());
        }
    }
    Ok(found)
}

fn not_found(device: &str, found: &BTreeMap<String, String>) -> String {
    let found: Vec<&str> = found.keys().map(String::as_str).collect();
    let remedy = match device {
        "cuda" => "CUDA needs an NVIDIA card, its driver, and NVRTC of the CUDA toolkit",
        "rocm" => "ROCm needs an AMD card and HIP",
        "metal" => "Metal needs a Mac",
        "wgpu" | "vulkan" | "webgpu" => {
            "it needs the driver of a card and Vulkan's loader (in Debian: libvulkan1), or without a card Mesa's \
             lavapipe (mesa-vulkan-drivers)"
        }
        _ => "see `si devices`",
    };
    format!(
        "{device}: no device found. {remedy}. Found are {}",
        found.join(", ")
    )
}

/// Whether a processor emulates the card.
fn is_emulated(model: &str) -> bool {
    ["llvmpipe", "SwiftShader"]
        .iter()
        .any(|name| model.contains(name))
}

/// What has run, and what has not.
#[derive(Default)]
struct Report {
    rows: Vec<Row>,
    not_tested: Vec<String>,
}

struct Row {
    device: String,
    part: String,
    has_passed: bool,
    tests: Tests,
    seconds: f64,
}

/// What a program says of its tests.
#[derive(Default)]
struct Tests {
    passed: usize,
    left_out: usize,
    failed: Vec<String>,
}

impl Report {
    /// Runs a test program of si-core on a device, without the tests that are of no use there.
    fn run_on(&mut self, device: &str, model: &str, program: &Built) -> Result<()> {
        let is_suite = program.target == "suite";
        let part = if is_suite { "suite" } else { "unit tests" };
        let mut test = Command::new(&program.path);
        test.current_dir(workspace().join("crates/si-core"));
        test.env("BURN_DEVICE", device);
        let mut skip = |names: &[&str], reason: &str| {
            for name in names {
                test.args(["--skip", name]);
            }
            let names = names.join(", ");
            self.not_tested(format!("{device}, {names} of the {part}: {reason}"));
        };
        if is_suite {
            skip(ALWAYS_ON_FLEX, "these tests use Flex on any device");
        }
        if is_emulated(model) {
            skip(
                if is_suite { LONG } else { LONG_UNIT_TESTS },
                "they take long where a processor emulates the card. Other tests cover the same operations",
            );
        }
        if is_suite && !["ndarray", "flex"].contains(&device) {
            self.not_tested(format!(
                "{device}, double precision: such tests use Flex, because few of Burn's kernels support it"
            ));
        }
        self.run(device, part, test)
    }

    /// Runs a part, shows its output, and keeps what it says of tests. That some fail is no error yet.
    fn run(&mut self, device: &str, part: &str, mut command: Command) -> Result<()> {
        println!("\n{device}, {part}:");
        let start = Instant::now();
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {program}"))?;
        let mut tests = Tests::default();
        if let Some(output) = child.stdout.take() {
            for line in BufReader::new(output).lines() {
                let line = line.with_context(|| format!("cannot read what {program} says"))?;
                println!("{line}");
                tests.read(&line);
            }
        }
        let has_passed = child.wait()?.success();
        self.rows.push(Row {
            device: device.to_string(),
            part: part.to_string(),
            has_passed,
            tests,
            seconds: start.elapsed().as_secs_f64(),
        });
        Ok(())
    }

    fn not_tested(&mut self, what: String) {
        self.not_tested.push(what);
    }

    /// Shows the table.
    ///
    /// # Errors
    ///
    /// If a part has failed.
    fn end(&self) -> Result<()> {
        println!(
            "\n{:<9}{:<20}{:<8}{:>7}{:>8}{:>10}{:>9}",
            "device", "part", "result", "passed", "failed", "left out", "seconds"
        );
        for row in &self.rows {
            let result = if row.has_passed { "ok" } else { "failed" };
            let counts = [row.tests.passed, row.tests.failed.len(), row.tests.left_out];
            let [passed, failed, left_out] = counts.map(|count| count.to_string());
            println!(
                "{:<9}{:<20}{result:<8}{passed:>7}{failed:>8}{left_out:>10}{:>9.0}",
                row.device, row.part, row.seconds
            );
        }
        if !self.not_tested.is_empty() {
            println!("\nNot tested:");
            for what in &self.not_tested {
                println!("- {what}");
            }
        }
        let failed: Vec<String> = self.rows.iter().filter_map(Row::failure).collect();
        if failed.is_empty() {
            return Ok(());
        }
        bail!("{}", failed.join("\n"))
    }
}

impl Row {
    /// What has failed, if anything.
    fn failure(&self) -> Option<String> {
        let part = format!("{}, {} failed", self.device, self.part);
        let named = match &self.tests.failed[..] {
            [] => part,
            tests => format!("{part}: {}", tests.join(", ")),
        };
        (!self.has_passed).then_some(named)
    }
}

impl Tests {
    /// Reads a line of the test harness, such as `test a::b ... FAILED`, or
    /// `test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.01s`.
    fn read(&mut self, line: &str) {
        let Some(line) = line.strip_prefix("test ") else {
            return;
        };
        if let Some(counts) = line.strip_prefix("result: ") {
            let count = |name: &str| {
                let before = counts.split(name).next()?;
                before
                    .split([' ', ';'])
                    .rfind(|it| !it.is_empty())?
                    .parse()
                    .ok()
            };
            self.passed += count(" passed").unwrap_or(0);
            self.left_out += count(" ignored").unwrap_or(0) + count(" filtered out").unwrap_or(0);
        } else if let Some(name) = line.strip_suffix(" ... FAILED") {
            self.failed.push(name.to_string());
        }
    }
}
