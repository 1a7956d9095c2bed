use std::fs;
use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::command::{build_with, clear, command, run, version, workspace};

/// Measure what consolidation costs: time of a training step, that of each method, its growth with the network, several
/// trainings at once, memory, the single operations, and all of split MNIST.
///
/// The variants compared take turns in one process, on fresh batches, so rely on the ratios. Run it on an otherwise
/// idle machine with 12 GB of free memory.
#[derive(Args)]
pub(crate) struct Bench {
    /// Devices, as listed by `si devices`: the first runs all benchmarks, the others only the training steps,
    /// alone and in a row
    #[arg(
        long = "device",
        value_delimiter = ',',
        value_name = "NAME,NAME,...",
        default_value = "flex"
    )]
    devices: Vec<String>,
    /// Numbers of threads for the CPU backend, one run for each [default: 1 and all cores]
    #[arg(long, value_delimiter = ',', value_name = "N,N,...")]
    threads: Vec<NonZero<usize>>,
    /// Run only these benchmarks: step, throughput, profile, methods, products, denormals,
    /// surroundings, growth, replicas, memory, kernels, split-mnist
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    only: Vec<String>,
    /// Also measure PyTorch's steps, in turns with ours, with this Python, which needs the package torch
    #[arg(long, value_name = "PYTHON", num_args = 0..=1, default_missing_value = "python3")]
    peers: Option<PathBuf>,
    /// Write the results to FILE, which must be another one than the default with --only
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = PAGE)]
    publish: Option<PathBuf>,
}

/// The page with all benchmarks.
const PAGE: &str = "docs/performance.md";

/// A benchmark and its text on the page.
struct Benchmark {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    /// Whether it is run with each number of threads.
    by_threads: bool,
}

const BENCHMARKS: &[Benchmark] = &[
    Benchmark {
        name: STEP,
        title: "A training step",
        description: "Time of a whole training step (forwards, backwards and update) in ms. In brackets: divided by the \
             step without consolidation, which is a bare module with Burn's Adam. The other columns are the \
             same with Synaptic Intelligence, and that with `SynapticAdam`, both in the second task, where the \
             penalty is at work. Medians of steps that take turns. With `--peers`, `benches/peer/peer.py` \
             takes turns with them: PyTorch's fused Adam, Synaptic Intelligence with it as fast as PyTorch can \
             do it (operations on all parameters at once, one backward pass), and as it is often written (a \
             second backward pass for the penalty, parameter by parameter). On a processor with AVX-512, tables \
             with avx2 in their title show how the kernels of this project do without it; Burn's own operations \
             and PyTorch use it there too.",
        by_threads: true,
    },
    Benchmark {
        name: THROUGHPUT,
        title: "Steps in a row",
        description: "The same learners, as a training loop runs them: 30 steps, and then one wait for the card. It \
             computes while the program prepares the next step. Median of nine such blocks. Not for devices that \
             compute in the program's own threads, where it is no other than a step.",
        by_threads: false,
    },
    Benchmark {
        name: "profile",
        title: "Where the time of a step goes",
        description: "A batch drawn from images on the device, the network and its loss forwards, backwards, the \
             gradients sorted by parameter, and Adam's update. Beside any optimizer, consolidation has a pass \
             before and one after it, each of which moves as much as five tensors of the parameters' size. The \
             time of a pass depends on memory bandwidth, not on the batch size. With `SynapticAdam`, update, penalty and \
             path integral are one pass.",
        by_threads: true,
    },
    Benchmark {
        name: "methods",
        title: "A step of each method",
        description: "The methods of `si` on split MNIST in the task scenario, with the paper's network, Adam and \
             minibatches. Each has its default strength or, if it has none, the lowest that `si sweep` tries. Each \
             has learnt the first task for one epoch and is in the second, so penalties, memories and frozen \
             copies are at work; `joint` learns all tasks at once. They take turns in one process, several steps \
             in a row. The time of a step includes drawing the minibatch. It is divided by that of `none` in the \
             same round, and the table has the median over all rounds. `none` is Adam with nothing held back, \
             but `si` integrates ω in its steps too; the section on a training step starts from a bare module with \
             Burn's Adam. The last column is the time to end a task, with measuring importance on images if the \
             method does so.",
        by_threads: true,
    },
    Benchmark {
        name: PRODUCTS,
        title: "Products of matrices, and of convolutions",
        description: "The network of split CIFAR is convolutions, and they decide its time. In brackets is how many of \
             a pass's multiplications and additions are done per nanosecond, if its time is taken as that of \
             products alone. Burn's backends for the CPU have convolutions of their own; on Flex the network \
             is trained with those of the crate `si-convolution`.",
        by_threads: true,
    },
    Benchmark {
        name: "denormals",
        title: "Very small gradients (denormal numbers)",
        description: "On one batch, gradients become ever smaller, and some processors are many times slower with \
             denormal numbers. The table shows how many gradients are denormal in the end, and how long steps \
             take then. The floating-point environment is left as it is: Rust does not define what a program \
             does that flushes such numbers to zero.",
        by_threads: false,
    },
    Benchmark {
        name: "surroundings",
        title: "What is around the loop",
        description: "A plain step in a process with glibc as it is; with large buffers kept, as \
             `si_bench::keep_buffers` has it; and with the loop in the pool of threads too, as in \
             `rayon::scope(|_| train())`. Processes that take turns; `si` trains in the last, and so does \
             everything else here.",
        by_threads: true,
    },
    Benchmark {
        name: "growth",
        title: "How the cost grows",
        description: "Perceptrons of ever more parameters, batches of 64, one thread where the device keeps to its \
             threads.",
        by_threads: false,
    },
    Benchmark {
        name: "replicas",
        title: "Several trainings at once",
        description: "A stack of replicas of the network (`si_core::replicas`), with `SynapticAdam` in its second task. \
             On a GPU a step of one small network leaves most of the card idle, and a stack has as many operations as \
             one network. On a CPU the arithmetic decides. A second table has ways to convolve the images of each \
             replica with weights of its own.",
        by_threads: false,
    },
    Benchmark {
        name: "memory",
        title: "Memory",
        description: "Peak of a process that does nothing else, after the second task's first steps. Beside Adam's two, \
             consolidation keeps three numbers per parameter. Without the one-pass optimizers, a step also \
             keeps the gradient and the old parameter. Other buffers move a peak by some MB from run to run. \
             The largest networks give the most reliable values.",
        by_threads: false,
    },
    Benchmark {
        name: KERNELS,
        title: "The operations alone",
        description: "Bytes that must be read and written, per second, in GB/s. In brackets: relative to a copy of as \
             many numbers on one thread. Each is at its fastest, where the operations take turns. `penalize` \
             allocates its result; the others work in place. Tables with avx2 in their title are without AVX-512.",
        by_threads: true,
    },
];

const STEP: &str = "step";
const KERNELS: &str = "kernels";
const THROUGHPUT: &str = "throughput";
const PRODUCTS: &str = "products";
const SPLIT_MNIST: &str = "split-mnist";
const FIGURE: &str = "performance.svg";

impl Bench {
    pub(crate) fn run(&self) -> Result<()> {
        let names = || BENCHMARKS.iter().map(|it| it.name).chain([SPLIT_MNIST]);
        for name in &self.only {
            ensure!(
                names().any(|known| known == name),
                "there is no benchmark {name:?}; known names are {}",
                names().collect::<Vec<_>>().join(", ")
            );
        }
        ensure!(
            !self.devices.iter().any(|device| device == "auto"),
            "\"auto\" is not possible here: name the device to measure (`si devices` lists them)"
        );
        ensure!(
            !self.only.iter().any(|name| name == THROUGHPUT)
                || !self.devices_of(THROUGHPUT).is_empty(),
            "{THROUGHPUT} is for a card, and {} computes in the program's own threads: name a card with --device, \
             or run {STEP}",
            self.devices.join(",")
        );
        ensure!(
            self.only.is_empty() || !self.publishes_all(),
            "{PAGE} has all benchmarks: leave out --only, or name another file for --publish"
        );
        let backends = self.devices.iter().map(|device| backend_of(device));
        let mut others: Vec<&str> = backends.filter(|backend| *backend != "flex").collect();
        let is_wanted = |name: &str| self.only.is_empty() || self.only.iter().any(|it| it == name);
        let is_on_flex = backend_of(&self.devices[0]) == "flex";
        if is_wanted(PRODUCTS) && is_on_flex && !others.contains(&"ndarray") {
            others.push("ndarray");
        }
        if !others.is_empty() {
            build_with(&others.join(","))?;
        }
        let cores = thread::available_parallelism()?;
        let mut page = format!(
            "# Performance\n\nMade by `cargo xtask bench{}{}` with version {}, on {} with {cores} core(s) for \
             this program. The tables are generated. The machine is noisy, so compare numbers only within a row.\n",
            match &self.only[..] {
                [] => " --publish".to_string(),
                only => format!(" --only {}", only.join(",")),
            },
            self.peers.as_ref().map_or("", |_| " --peers"),
            version(),
            processor()
        );
        for benchmark in BENCHMARKS.iter().filter(|it| is_wanted(it.name)) {
            let devices = self.devices_of(benchmark.name);
            if devices.is_empty() {
                continue;
            }
            page += &format!("\n## {}\n\n{}\n", benchmark.title, benchmark.description);
            for device in devices {
                let threads = self.threads_on(device, cores);
                let threads = if benchmark.by_threads {
                    &threads[..]
                } else {
                    &threads[..1]
                };
                for &threads in threads {
                    for vectors in vectors_on(benchmark.name, device) {
                        let table = self.measure(benchmark.name, device, threads, vectors)?;
                        page += &format!("\n{table}");
                    }
                }
            }
            if benchmark.name == "growth" && self.publishes_all() {
                page += &format!(
                    "\n![Time of a step, divided by that without consolidation]({FIGURE})\n"
                );
            }
        }
        if is_wanted(SPLIT_MNIST) {
            page += &format!("\n## Split MNIST\n\n{}", self.split_mnist()?);
        }
        if let Some(path) = &self.publish {
            let path = workspace().join(path);
            fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
            println!("\nwrote {}", path.display());
        }
        Ok(())
    }

    /// Whether the page with all benchmarks is written.
    fn publishes_all(&self) -> bool {
        self.publish.as_deref() == Some(Path::new(PAGE))
    }

    /// The devices that a benchmark runs on.
    fn devices_of(&self, benchmark: &str) -> Vec<&str> {
        let devices = self.devices.iter().map(String::as_str);
        match benchmark {
            STEP => devices.collect(),
            THROUGHPUT => devices.filter(|it| !keeps_to_its_threads(it)).collect(),
            _ => devices.take(1).collect(),
        }
    }

    /// The numbers of threads to run with, in turn.
    fn threads_on(&self, device: &str, cores: NonZero<usize>) -> Vec<NonZero<usize>> {
        match &self.threads[..] {
            _ if !keeps_to_its_threads(device) => vec![cores],
            [] if cores.get() == 1 => vec![cores],
            [] => vec![NonZero::<usize>::MIN, cores],
            given => given.to_vec(),
        }
    }

    /// Runs a benchmark. Shows its output and returns it.
    fn measure(
        &self,
        benchmark: &str,
        device: &str,
        threads: NonZero<usize>,
        vectors: Option<&str>,
    ) -> Result<String> {
        let in_a_row = benchmark == THROUGHPUT;
        let program = if in_a_row { STEP } else { benchmark };
        let line = format!("cargo bench --quiet --profile dev --workspace --bench {program}");
        let chosen = vectors.map(|vectors| format!("{VECTORS}={vectors} "));
        println!(
            "\n$ {}RAYON_NUM_THREADS={threads} {line}",
            chosen.unwrap_or_default()
        );
        let mut bench = command(&line)?;
        bench
            .env("SI_BENCH_DEVICE", device)
            .env("RAYON_NUM_THREADS", threads.to_string())
            .stdout(Stdio::piped());
        match vectors {
            Some(vectors) => bench.env(VECTORS, vectors),
            None => bench.env_remove(VECTORS),
        };
        if in_a_row {
            bench.env("SI_BENCH_STEPS", "in-a-row");
        }
        if let Some(python) = self.peers.as_ref().filter(|_| device == "flex") {
            bench.env("SI_BENCH_PEER", python);
        }
        if self.publishes_all() {
            bench.env("SI_BENCH_FIGURE", docs().join(FIGURE));
        }
        let mut child = bench
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

    /// Times the whole program on the paper's whole protocol, one run at a time.
    fn split_mnist(&self) -> Result<String> {
        const OUT: &str = "target/trial/bench-split-mnist";
        let out = workspace().join(OUT);
        clear(OUT)?;
        let device = &self.devices[0];
        run(command(&format!(
            "cargo run --quiet -p si-cli -- split-mnist --device {device} --seeds 1 --jobs 1 --replicas 1 --out {OUT}"
        ))?)?;
        let path = out.join("summary.json");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let summary: Value = serde_json::from_str(&text)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let mut table = format!(
            "One run of `si split-mnist --device {device}`: five tasks, ten epochs each, in a process with all cores, \
             with loading, training and testing.\n\n| condition | seconds | accuracy at the end, in % |\n\
             |---|---|---|\n"
        );
        for condition in summary["conditions"].as_array().into_iter().flatten() {
            let last = condition["average_accuracy"]["mean"].as_array();
            let last = last.and_then(|averages| averages.last()?.as_f64());
            let name = condition["name"].as_str().unwrap_or_default();
            let seconds = condition["seconds"].as_f64().unwrap_or(f64::NAN);
            let accuracy = 100.0 * last.unwrap_or(f64::NAN);
            table += &format!("| {name} | {seconds:.1} | {accuracy:.2} |\n");
        }
        Ok(table)
    }
}

fn backend_of(device: &str) -> &str {
    device.split(':').next().unwrap_or(device)
}

/// Whether it computes in the program's own threads.
fn keeps_to_its_threads(device: &str) -> bool {
    ["flex", "ndarray"].contains(&backend_of(device))
}

/// The environment variable that keeps the kernels of this project from using all of the processor's vectors.
const VECTORS: &str = "SI_BENCH_VECTORS";

/// What a benchmark sets [`VECTORS`] to, one run for each. If the processor has AVX-512, the kernels are also measured
/// as another one would run them.
fn vectors_on(benchmark: &str, device: &str) -> Vec<Option<&'static str>> {
    let has_more = [STEP, KERNELS].contains(&benchmark) && device == "flex" && has_avx512();
    if has_more {
        vec![None, Some("avx2")]
    } else {
        vec![None]
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    std::is_x86_feature_detected!("avx512f")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}

fn docs() -> PathBuf {
    workspace().join("docs")
}

/// The processor's name, or its architecture if the system does not give the name.
fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut lines = text.lines();
    let name = lines.find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(
        || format!("an {} processor", std::env::consts::ARCH),
        |(_, name)| name.trim().to_string(),
    )
}
