use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::command::workspace;

const README: &str = "README.md";
/// The numbers of stored runs are between these lines.
const BEGIN: &str = "<!-- numbers: cargo xtask readme -->\n";
const END: &str = "<!-- end of numbers -->\n";

/// Write the numbers in README.md from docs/results and docs/performance.md.
#[derive(Args)]
pub(crate) struct Readme {
    /// Change nothing; fail if the numbers differ
    #[arg(long)]
    check: bool,
}

impl Readme {
    pub(crate) fn run(&self) -> Result<()> {
        if self.check {
            return check();
        }
        let path = workspace().join(README);
        fs::write(&path, with_numbers(&read(README)?)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Checks that the numbers in the README are those of the stored runs.
pub(crate) fn check() -> Result<()> {
    let text = read(README)?;
    ensure!(
        text == with_numbers(&text)?,
        "the numbers in {README} differ from docs/results and docs/performance.md: update it with `cargo xtask readme`"
    );
    Ok(())
}

fn with_numbers(text: &str) -> Result<String> {
    let missing = || {
        format!(
            "{README} lacks the line {:?} or {:?}",
            BEGIN.trim(),
            END.trim()
        )
    };
    let (before, rest) = text.split_once(BEGIN).with_context(missing)?;
    let (_, after) = rest.split_once(END).with_context(missing)?;
    let numbers = [accuracy()?, claims()?, speed()?].concat();
    Ok(format!("{before}{BEGIN}{numbers}{END}{after}"))
}

fn accuracy() -> Result<String> {
    let page = "docs/results/split-mnist/summary.json";
    let summary: Value = serde_json::from_str(&read(page)?)?;
    let condition = |name: &str| -> Result<(String, u64)> {
        let conditions = summary["conditions"].as_array().into_iter().flatten();
        let mut named = conditions.filter(|condition| condition["name"] == name);
        let condition = named
            .next()
            .with_context(|| format!("{page} lacks {name}"))?;
        let average = &condition["average_accuracy"];
        let last = |statistic: &str| average[statistic].as_array()?.last()?.as_f64();
        let numbers = || Some((last("mean")?, last("std")?, average["n"].as_u64()?));
        let (mean, spread, n) = numbers().with_context(|| format!("{page} lacks numbers"))?;
        Ok((format!("{:.1} ± {:.1} %", 100.0 * mean, 100.0 * spread), n))
    };
    let ((without, n), (with, _)) = (condition("none")?, condition("si")?);
    Ok(format!(
        "- **Accuracy.** Split MNIST, average test accuracy after five tasks: **{without} without, {with} with** \
         (mean ± standard deviation, n = {n} seeds; [this run](docs/results/README.md)).\n"
    ))
}

/// How many of the paper's claims hold, as the report says.
fn claims() -> Result<String> {
    let page = "docs/results/README.md";
    let text = read(page)?;
    let mut bold = text.lines().filter_map(|line| {
        let (tally, _) = line.strip_prefix("**")?.split_once(".**")?;
        tally.contains(" claims: ").then_some(tally)
    });
    let tally = bold
        .next()
        .with_context(|| format!("{page} does not say how many claims hold"))?;
    Ok(format!(
        "- **The paper.** Its figures and claims, with our numbers: {tally} ([all of them]({page})).\n"
    ))
}

/// The speed, from the tables of a training step: on one thread and on all, with all of the processor's vectors and with
/// fewer. Ours and PyTorch's take turns, and the last column of each is a ratio.
fn speed() -> Result<String> {
    let page = "docs/performance.md";
    let text = read(page)?;
    let lacks = |what: &str| format!("{page} lacks {what}");
    let (_, steps) = text
        .split_once("\n## A training step\n")
        .with_context(|| lacks("the section on a training step"))?;
    let steps = steps.split("\n## ").next().unwrap_or(steps);
    // Each table of ours is followed by PyTorch's, after a line of text.
    let (mut is_peers, mut ratios) = (false, BTreeMap::<(&str, bool), Vec<f64>>::new());
    for line in steps.lines() {
        if line.starts_with('|') {
            let network = line.split('|').nth(1).map_or("", str::trim);
            let cell = line.split('|').rev().nth(1).map_or("", str::trim);
            if NETWORKS.contains(&network) {
                let ratio = ratio(cell).with_context(|| lacks(&format!("a ratio in {line:?}")))?;
                ratios.entry((network, is_peers)).or_default().push(ratio);
            }
        } else if !line.is_empty() {
            is_peers = line.starts_with("PyTorch's steps");
        }
    }
    let of_networks = |networks: &[&'static str], is_peers: bool| -> Result<Vec<f64>> {
        let mut all = Vec::new();
        for &network in networks {
            let [ours, peers] = [false, true].map(|is_peers| ratios.get(&(network, is_peers)));
            let both = ours
                .zip(peers)
                .filter(|(ours, peers)| ours.len() == peers.len());
            let (ours, peers) = both.with_context(|| {
                lacks("the tables of a training step with PyTorch: measure with --peers")
            })?;
            all.extend(if is_peers { peers } else { ours });
        }
        Ok(all)
    };
    let plain = of_networks(&NETWORKS, false)?;
    let perceptrons = of_networks(&NETWORKS[..2], true)?;
    let convolutions = of_networks(&NETWORKS[2..], true)?;
    let range = |ratios: &[f64]| {
        let smallest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!("{smallest:.2} to {largest:.2}")
    };
    let processor = text.split_once(", on ").and_then(|(_, rest)| {
        let (processor, _) = rest.split_once(" with ")?;
        Some(processor)
    });
    let processor = processor.with_context(|| lacks("the processor"))?;
    let vectors = if steps.contains("with avx2 only") {
        " (our kernels with AVX-512 and with AVX2 alone)"
    } else {
        ""
    };
    Ok(format!(
        "- **Speed.** On an {processor}{vectors}, a training step of the paper's networks with consolidation by \
         `SynapticAdam` takes **{} times** a step of Burn's Adam without. It takes **{} times** PyTorch's fastest step \
         with consolidation for the perceptrons, and **{} times** for the CNN of split CIFAR ([measured side by \
         side]({page})).\n",
        range(&plain),
        range(&perceptrons),
        range(&convolutions),
    ))
}

/// The networks in the tables of a training step: two perceptrons, and that with convolutions.
const NETWORKS: [&str; 3] = ["784-256-256-10", "784-2000-2000-10", "CNN of split CIFAR"];

/// A ratio is alone, or in brackets after milliseconds.
fn ratio(cell: &str) -> Option<f64> {
    let last = cell.trim_end_matches(')').rsplit(['(', ' ']).next()?;
    last.parse().ok()
}

fn read(page: &str) -> Result<String> {
    let path = workspace().join(page);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}
