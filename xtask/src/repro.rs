use anyhow::Result;
use clap::Args;

use crate::command::{command, run};

/// Make the whole paper again, and refresh docs/results from it.
///
/// Everything behind it is that of `si repro`: see `cargo xtask repro -- --help`.
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
    pub(crate) fn run(&self) -> Result<()> {
        let mut repro = command("cargo run -p si-cli -- repro")?;
        let publishes_elsewhere = self.flags.iter().any(|flag| flag.starts_with("--publish"));
        if !publishes_elsewhere {
            repro.args(["--publish", "docs/results"]);
        }
        repro.args(&self.flags);
        run(repro)
    }
}
