use serde::{Deserialize, Serialize};

use crate::experiment::{Condition, ExperimentConfig, Versions};

/// Everything that determines the exact numbers of a run, or of several that are trained at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::experiment) struct Identity {
    versions: Versions,
    /// Number of threads, if a process on the device computes only with its own threads: it decides
    /// the order of sums. `None` on other devices, and in checkpoints that do not store it.
    num_threads: Option<String>,
    /// The config, without settings that may change when a run is resumed.
    config: String,
    condition: Condition,
    seed: u64,
    /// The other runs that are trained at once with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<(Condition, u64)>,
}

impl Identity {
    pub(super) fn new(
        config: &ExperimentConfig,
        (condition, seed): (&Condition, u64),
        others: &[(Condition, u64)],
    ) -> Self {
        let num_threads = config.threads_in_use().map(|threads| threads.to_string());
        let config = ExperimentConfig {
            num_seeds: 1,
            ..config.anywhere()
        };
        Self {
            versions: Versions::current(),
            num_threads,
            config: config.to_toml(),
            condition: condition.clone(),
            seed,
            others: others.to_vec(),
        }
    }

    /// Why a checkpoint of `self` cannot be used for `other`. `None` if it can.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        if self.versions != other.versions {
            let Versions { si, burn } = &self.versions;
            Some(format!("it was written by si {si} with Burn {burn}"))
        } else if let (Some(threads), Some(other)) = (&self.num_threads, &other.num_threads)
            && threads != other
        {
            Some(format!(
                "it was written with {threads} thread(s), not {other}, which can change the last \
                 digits of results; resume with num_threads = {threads}"
            ))
        } else if self.others.len() != other.others.len() {
            Some(format!(
                "it belongs to {} run(s) that are trained at once, not to {}",
                self.others.len() + 1,
                other.others.len() + 1
            ))
        } else if self.config != other.config || !self.has_runs_of(other) {
            Some("it belongs to a run with other settings".to_string())
        } else {
            None
        }
    }

    fn has_runs_of(&self, other: &Self) -> bool {
        let mut pairs = self.runs().zip(other.runs());
        pairs.all(|((own, seed), (other, other_seed))| {
            seed == other_seed && own.is_reading_of(other)
        })
    }

    fn runs(&self) -> impl Iterator<Item = (&Condition, u64)> {
        let others = self
            .others
            .iter()
            .map(|(condition, seed)| (condition, *seed));
        [(&self.condition, self.seed)].into_iter().chain(others)
    }
}
