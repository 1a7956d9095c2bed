use anyhow::Result;
use clap::Args;

use crate::command::{command, run};

/// Measure what consolidation costs a training step, and how fast its operations are alone.
///
/// Plain and consolidating steps take turns in one process, on fresh batches; what counts is the
/// ratio. Run it on a machine that does nothing else.
#[derive(Args)]
pub(crate) struct Bench {
    /// Threads of the CPU backend
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

impl Bench {
    pub(crate) fn run(&self) -> Result<()> {
        let mut bench =
            command("cargo bench --profile dev --workspace --bench kernels --bench step")?;
        bench
            .env("RAYON_NUM_THREADS", self.threads.to_string())
            // As the program does for its workers: buffers stay with the process.
            .env("MALLOC_TRIM_THRESHOLD_", "1073741824")
            .env("MALLOC_MMAP_THRESHOLD_", "33554432");
        run(bench)
    }
}
