use std::fmt;
use std::str::FromStr;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use si_bench::experiment::{Condition, RunFolder, RunRecord};

use crate::ranges::ranges;

/// More names of conditions do not fit a line.
const MAX_NAMES: usize = 3;

/// Runs that another process does at once: one, or a stack.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Condition and seed of each.
    pub(crate) runs: Vec<(Condition, u64)>,
}

/// What a worker is asked for: the runs of a job, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Name of the condition and seed of each.
    runs: Vec<(String, u64)>,
}

impl Job {
    pub(crate) fn num_runs(&self) -> usize {
        self.runs.len()
    }

    pub(crate) fn request(&self) -> Request {
        let runs = self.runs.iter();
        Request {
            runs: runs
                .map(|(condition, seed)| (condition.name.clone(), *seed))
                .collect(),
        }
    }

    /// Whether `records` are those of its runs, in their order.
    pub(super) fn has(&self, records: &[RunRecord]) -> bool {
        let of_records = records.iter();
        let of_records = of_records.map(|record| (&record.condition.name, record.seed));
        let of_runs = self.runs.iter();
        of_records.eq(of_runs.map(|(condition, seed)| (&condition.name, *seed)))
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [(condition, seed)] = &self.runs[..] {
            return write!(f, "{}, seed {seed}", condition.name);
        }
        let (mut names, mut seeds) = (Vec::new(), Vec::new());
        for (condition, seed) in &self.runs {
            if !names.contains(&condition.name.as_str()) {
                names.push(&condition.name);
            }
            seeds.push(*seed);
        }
        seeds.sort_unstable();
        seeds.dedup();
        let names = if names.len() > MAX_NAMES {
            format!("{} conditions", names.len())
        } else {
            names.join(", ")
        };
        let seed = if seeds.len() == 1 { "seed" } else { "seeds" };
        let (num_runs, seeds) = (self.num_runs(), ranges(&seeds));
        write!(f, "{num_runs} runs at once ({names}; {seed} {seeds})")
    }
}

impl Request {
    /// The runs that it names, from the settings of `folder`.
    pub(crate) fn runs_in(&self, folder: &RunFolder) -> anyhow::Result<Vec<(Condition, u64)>> {
        let conditions = folder.config().conditions();
        let runs = self.runs.iter().map(|(name, seed)| {
            let condition = conditions.iter().find(|it| it.name == *name);
            let condition = condition.with_context(|| {
                format!("{} has no condition {name:?}", folder.path().display())
            })?;
            Ok((condition.clone(), *seed))
        });
        runs.collect()
    }

    /// It on one line, which [`from_str`](Self::from_str) reads back.
    pub(crate) fn to_line(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

impl FromStr for Request {
    type Err = serde_json::Error;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(line)
    }
}
