use anyhow::Result;
use clap::Args;

use crate::command::{build_with, command, run};

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
    /// The feature of the backend that --device names, where it is not among the default ones.
    fn device(&self) -> Option<&str> {
        let mut flags = self.flags.iter();
        let flag = flags.find(|flag| flag.starts_with("--device"))?;
        let name = match flag.split_once('=') {
            Some((_, name)) => name,
            None => flags.next()?,
        };
        let backend = name.split(':').next()?;
        (!["auto", "flex"].contains(&backend)).then_some(backend)
    }

    pub(crate) fn run(&self) -> Result<()> {
        if let Some(device) = self.device() {
            build_with(device);
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
