//! The runs, stored as JSON lines, so that a study that was interrupted goes on.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use si_core::measures::AccuracyMatrix;

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    /// To choose a strength: trained on a part of the training data, and evaluated on the rest of it.
    Search,
    Final,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) part: Part,
    pub(crate) method: String,
    pub(crate) strength: f64,
    pub(crate) seed: u64,
    /// How many numbers are trained, those of the heads included.
    pub(crate) num_trained: usize,
    pub(crate) seconds: f64,
    pub(crate) accuracy: AccuracyMatrix,
}

pub(crate) struct Records {
    path: PathBuf,
    pub(crate) all: Vec<Record>,
}

impl Records {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("runs.jsonl");
        let failed = || format!("cannot read {}", path.display());
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            bytes => bytes.with_context(failed)?,
        };
        // A line without an end is what is left of a program that was stopped while it wrote.
        let end = bytes.iter().rposition(|byte| *byte == b'\n');
        let whole = end.map_or(0, |end| end + 1);
        let text = str::from_utf8(&bytes[..whole]).with_context(failed)?;
        if whole < bytes.len() {
            println!(
                "{} ends within a line: that run is done again",
                path.display()
            );
            let file = OpenOptions::new().write(true).open(&path);
            file.and_then(|file| file.set_len(whole as u64))
                .with_context(|| format!("cannot cut off the last line of {}", path.display()))?;
        }
        let records = text.lines().enumerate();
        let records = records.map(|(index, line)| {
            let record = serde_json::from_str(line);
            record.with_context(|| {
                let path = path.display();
                format!(
                    "line {} of {path} is not a run: remove it, and the run is done again",
                    index + 1
                )
            })
        });
        let all = records.collect::<Result<_>>()?;
        Ok(Self { path, all })
    }

    pub(crate) fn find(
        &self,
        part: Part,
        method: &str,
        strength: f64,
        seed: u64,
    ) -> Option<&Record> {
        self.all.iter().find(|it| {
            (it.part, it.strength, it.seed) == (part, strength, seed) && it.method == method
        })
    }

    pub(crate) fn add(&mut self, record: Record) -> Result<()> {
        let failed = || format!("cannot write {}", self.path.display());
        let line = serde_json::to_string(&record)? + "\n";
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path);
        let mut file = file.with_context(failed)?;
        file.write_all(line.as_bytes()).with_context(failed)?;
        self.all.push(record);
        Ok(())
    }
}
