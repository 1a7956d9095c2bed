use std::fs;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;

use crate::command::{build_with, clear, command, run, workspace};
use crate::package::Package;
use crate::test::{DEVICES, FEATURES, Test};
use crate::{book, readme, results};

/// Run all checks that a change must pass, cheapest first.
#[derive(Args)]
pub(crate) struct Ci {
    /// Skip wgpu instead of failing if there is neither a GPU nor Mesa's lavapipe
    #[arg(long)]
    without_gpu: bool,
}

/// Checks before the README's commands, in order. Lints and documentation have the features of every backend, so the
/// dependencies are checked once for both: without a device or a toolkit, only the types of most backends can be checked.
const CHECKS: &[&str] = &[
    "cargo fmt --all --check",
    "bash -n xtask/gpu-check.sh",
    "cargo clippy --workspace --all-targets --features remote,cpu,webgpu,vulkan,metal,cuda,rocm -- --deny warnings",
    "cargo doc --workspace --no-deps --document-private-items --features remote,cpu,webgpu,vulkan,metal,cuda,rocm",
];

/// Some commands, and the examples, with small budgets that only show that they work.
const TRIALS: &[&str] = &[
    "cargo run -p si-cli -- devices",
    "cargo run -p si-cli -- methods",
    "cargo run -p si-cli -- data --verify",
    "cargo run -p si-cli -- split-mnist --seeds 1 --epochs 1 --methods si:c=0.5 --scenario domain \
     --preset benzing --optimizer sgd --out target/trial",
    "cargo run -p si-cli -- report target/trial --output target/trial/report",
    "cargo xtask repro --only fig1,fig2,theory --out target/trial/repro --publish target/trial/published",
    "cargo run --bin from_scratch",
    "cargo run --bin continual_learner",
    "cargo run --bin exchange -- write target/trial/state.safetensors",
    "cargo run --bin exchange -- read target/trial/state.safetensors",
    "cargo run --bin regularizer_alone",
    "cargo run --bin transfer",
    "cargo run --bin tabular",
    "cargo run --bin task_free",
    "cargo run --bin merge",
    "cargo run --bin burn_train",
    "cargo run --bin language -- target/trial/no-model",
];

/// The folder for the trials' files, below the workspace.
const TRIAL_FOLDER: &str = "target/trial";

impl Ci {
    pub(crate) fn run(&self) -> Result<()> {
        // This must come before the first call of `command`.
        build_with(FEATURES)?;
        for line in CHECKS {
            let mut check = command(line)?;
            check.env("RUSTDOCFLAGS", "--deny warnings");
            // Keeps CubeCL's CUDA from downloading a compiler: nothing is linked with it here.
            check.env("DOCS_RS", "1");
            run(check)?;
        }
        let [experiment, tests] = readme_commands()?;
        run(command(&experiment)?)?;
        ensure!(
            tests == "cargo xtask test",
            "the README's second command must be `cargo xtask test`, but is `{tests}`"
        );
        let devices = if self.without_gpu {
            Vec::new()
        } else {
            DEVICES.map(String::from).to_vec()
        };
        Test {
            devices,
            all: self.without_gpu,
            remote: false,
        }
        .run()?;
        clear(TRIAL_FOLDER)?;
        for line in TRIALS {
            run(command(line)?)?;
        }
        Package { alone: false }.run()?;
        results::check()?;
        readme::check()?;
        book::check()
    }
}

/// The first two commands in the README, word for word.
fn readme_commands() -> Result<[String; 2]> {
    let path = workspace().join("README.md");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let commands: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("cargo "))
        .take(2)
        .map(|line| line.split('#').next().unwrap_or(line).trim().to_string())
        .collect();
    commands.try_into().map_err(|_| {
        anyhow!(
            "{} must hold two lines that begin with `cargo `",
            path.display()
        )
    })
}
