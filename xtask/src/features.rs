use anyhow::{Result, ensure};
use clap::Args;

use crate::command::{BACKENDS, command, known_backends, run};

/// Check that si-core compiles without default features, with each backend alone, and with what else it has.
///
/// Only types are checked, so no device and no toolkit is needed. Each combination checks Burn anew, which takes about a
/// minute on two cores.
#[derive(Args)]
pub(crate) struct Features {
    /// Only combinations with one of these backends
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    backends: Vec<String>,
}

/// What is added to a backend alone.
const OTHERS: [&str; 3] = ["train", "safetensors", "train,safetensors"];

impl Features {
    pub(crate) fn run(&self) -> Result<()> {
        known_backends(&self.backends)?;
        let mut combinations = Vec::new();
        if self.backends.is_empty() {
            combinations.extend(["", "train,safetensors", "remote"].map(String::from));
        }
        let is_wanted = |name: &&str| {
            self.backends.is_empty() || self.backends.iter().any(|wanted| wanted == name)
        };
        for backend in BACKENDS.iter().copied().filter(is_wanted) {
            combinations.push(backend.to_string());
            combinations.extend(OTHERS.map(|others| format!("{backend},{others}")));
        }
        let mut failed = Vec::new();
        for features in &combinations {
            let mut check = command("cargo check --package si-core --no-default-features")?;
            check.args(["--features", features]);
            // A crate for CUDA would download a compiler otherwise.
            check.env("DOCS_RS", "1");
            if run(check).is_err() {
                failed.push(format!("{features:?}"));
            }
        }
        ensure!(
            failed.is_empty(),
            "si-core does not compile with the features {}",
            failed.join("; ")
        );
        println!(
            "\nsi-core compiles with all {} combinations",
            combinations.len()
        );
        Ok(())
    }
}
