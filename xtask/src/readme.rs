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

/// The speed, from the tables of a training step, ours and PyTorch's, on one thread and on all: the last column of
/// each is a ratio.
fn speed() -> Result<String> {
    const TABLES: usize = 4;
    let page = "docs/performance.md";
    let text = read(page)?;
    let of_network = |network: &str| -> Result<Vec<f64>> {
        let rows = text.lines().filter(|line| line.starts_with(network));
        let cells = rows.filter_map(|line| line.split('|').rev().nth(1).map(str::trim));
        // A ratio is alone, or in brackets after milliseconds.
        let ratio = |cell: &str| {
            cell.trim_end_matches(')')
                .rsplit(['(', ' '])
                .next()?
                .parse()
                .ok()
        };
        let ratios: Vec<f64> = cells.take(TABLES).filter_map(ratio).collect();
        ensure!(
            ratios.len() == TABLES,
            "{page} lacks the tables of a training step with PyTorch"
        );
        Ok(ratios)
    };
    let of_networks = |networks: &[&str]| -> Result<[Vec<f64>; 2]> {
        let (mut plain, mut torch) = (Vec::new(), Vec::new());
        for network in networks {
            let ratios = of_network(network)?;
            plain.extend([ratios[0], ratios[2]]);
            torch.extend([ratios[1], ratios[3]]);
        }
        Ok([plain, torch])
    };
    let [plain, torch] = of_networks(&["| 784-256-256-10 |", "| 784-2000-2000-10 |"])?;
    let [_, convolutions] = of_networks(&["| CNN of split CIFAR |"])?;
    let range = |ratios: &[f64]| {
        let smallest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        format!("{smallest:.2} to {largest:.2}")
    };
    Ok(format!(
        "- **Speed.** On a CPU, a training step of the paper's perceptrons with consolidation takes **{} times** a step of \
         Burn's Adam without, and **{} times** PyTorch's fastest step with consolidation. Burn's convolutions are \
         slower: with the CNN of split CIFAR it takes {} times PyTorch's step ([measured side by \
         side](docs/performance.md)).\n",
        range(&plain),
        range(&torch),
        range(&convolutions),
    ))
}

fn read(page: &str) -> Result<String> {
    let path = workspace().join(page);
    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}
