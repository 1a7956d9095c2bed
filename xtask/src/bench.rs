use std::fs;
use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::process::Stdio;
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::command::{command, workspace};

/// Measure what consolidation costs a training step, and how fast its operations are alone.
///
/// What is compared takes turns in one process, on fresh batches; what counts are the ratios. Run it on
/// a machine that does nothing else.
#[derive(Args)]
pub(crate) struct Bench {
    /// Threads of the CPU backend, one run for each [default: 1 and all cores]
    #[arg(long, value_delimiter = ',', value_name = "N,N,...")]
    threads: Vec<NonZero<usize>>,
    /// Write docs/performance.md from it
    #[arg(long)]
    publish: bool,
}

/// The benchmarks, with what the page says of each.
const BENCHMARKS: [(&str, &str, &str); 2] = [
    (
        "step",
        "A training step",
        "Forwards, backwards and update, in ms, and in brackets by the plain step: a bare module with \
         Burn's Adam, the same with Synaptic Intelligence in its second task, where the penalty is at \
         work, and that with `SynapticAdam`. Medians of steps that take turns.",
    ),
    (
        "kernels",
        "The operations alone",
        "Bytes that must be read and written, per second, in GB/s, and in brackets by a copy of as \
         many numbers on one thread. Each at its fastest, where the operations take turns. `penalize` \
         allocates its result, which a large tensor pays for in page faults; the others work in place.",
    ),
];

impl Bench {
    pub(crate) fn run(&self) -> Result<()> {
        let cores = thread::available_parallelism()?;
        let threads = match &self.threads[..] {
            [] if cores.get() == 1 => vec![cores],
            [] => vec![NonZero::<usize>::MIN, cores],
            given => given.to_vec(),
        };
        let mut page = format!(
            "# Performance\n\nMade by `cargo xtask bench --publish`, on {} with {cores} core(s) for this \
             program; nothing here is typed by hand. The machine is noisy: compare what stands in one \
             row.\n",
            processor()
        );
        for (benchmark, title, description) in BENCHMARKS {
            page += &format!("\n## {title}\n\n{description}\n");
            for &threads in &threads {
                let table = measure(benchmark, threads)?;
                page += &format!("\n{table}");
            }
        }
        if self.publish {
            let path = workspace().join("docs/performance.md");
            fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
            println!("\nwrote {}", path.display());
        }
        Ok(())
    }
}

/// What a benchmark prints, which is shown meanwhile.
fn measure(benchmark: &str, threads: NonZero<usize>) -> Result<String> {
    let line = format!("cargo bench --quiet --profile dev --workspace --bench {benchmark}");
    println!("\n$ RAYON_NUM_THREADS={threads} {line}");
    let mut child = command(&line)?
        .env("RAYON_NUM_THREADS", threads.to_string())
        // As the program does for its workers: buffers stay with the process.
        .env("MALLOC_TRIM_THRESHOLD_", "1073741824")
        .env("MALLOC_MMAP_THRESHOLD_", "33554432")
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run `{line}`"))?;
    let mut text = String::new();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line?;
            println!("{line}");
            text += &line;
            text.push('\n');
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "`{line}` failed: {status}");
    Ok(text)
}

/// The processor's name, where the system tells.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut lines = text.lines();
    let name = lines.find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(
        || format!("an {} processor", std::env::consts::ARCH),
        |(_, name)| name.trim().to_string(),
    )
}
