use std::fs;
use std::path::Path;

use anyhow::Result;
use clap::Args;

use crate::command::{build_with, command, run};

/// Reproduce the whole paper, and update docs/results from it.
///
/// Takes all flags of `si repro`: see `cargo xtask repro -- --help`.
#[derive(Args)]
pub(crate) struct Repro {
    /// Flags of `si repro`, such as --plan, --only fig3,fig4, --full, --device, --jobs, --resume
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "FLAGS"
    )]
    flags: Vec<String>,
}

impl Repro {
    /// The feature of the backend named by --device, or stored in the folder of --resume. `None` if it is a default
    /// feature.
    fn device(&self) -> Option<String> {
        let stored = || device_of(Path::new(&self.value_of("--resume")?));
        let name = self.value_of("--device").or_else(stored)?;
        let backend = name.split(':').next()?.to_string();
        (!["auto", "flex"].contains(&&backend[..])).then_some(backend)
    }

    fn value_of(&self, flag: &str) -> Option<String> {
        let mut flags = self.flags.iter();
        let given = flags.find(|given| given.split('=').next() == Some(flag))?;
        match given.split_once('=') {
            Some((_, value)) => Some(value.to_string()),
            None => flags.next().cloned(),
        }
    }

    pub(crate) fn run(&self) -> Result<()> {
        if let Some(device) = self.device() {
            build_with(&device)?;
        }
        let mut repro = command("cargo run -p si-cli -- repro")?;
        let publishes_elsewhere = self.flags.iter().any(|flag| flag.starts_with("--publish"));
        if !publishes_elsewhere {
            repro.args(["--publish", "docs/results"]);
        }
        repro.args(&self.flags);
        run(repro)
    }
}

/// The device that is stored in a folder of `si repro`.
fn device_of(folder: &Path) -> Option<String> {
    let plan = fs::read_to_string(folder.join("repro.toml")).ok()?;
    let mut lines = plan.lines();
    let value = lines.find_map(|line| line.strip_prefix("device = "))?;
    Some(value.trim_matches('"').to_string())
}
