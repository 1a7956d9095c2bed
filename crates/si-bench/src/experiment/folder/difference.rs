use toml::{Table, Value};

use super::super::ExperimentConfig;

impl ExperimentConfig {
    /// Why an experiment with the settings `self` cannot be resumed with those `given`, one sentence per key. Empty if it
    /// can: where and how it runs does not count, and there may be more seeds.
    pub fn differences(&self, given: &Self) -> Vec<String> {
        let given = Self {
            num_seeds: given.num_seeds.min(self.num_seeds),
            ..given.anywhere()
        };
        each(&self.anywhere(), &given)
    }

    /// Why runs with the settings `given` do not belong to the same experiment, one sentence per key. Where and how they
    /// run does not count.
    pub(super) fn differences_from_same(&self, given: &Self) -> Vec<String> {
        each(&self.anywhere(), &given.anywhere())
    }

    /// Why a shard with the settings `given` cannot join others that work with `self`, one sentence per key. Only the
    /// number of processes, and how many runs each trains at once, are its own.
    pub(super) fn differences_beside(&self, given: &Self) -> Vec<String> {
        let shared = |config: &Self| Self {
            num_jobs: None,
            num_replicas: None,
            ..config.clone()
        };
        each(&shared(self), &shared(given))
    }
}

fn each(old: &ExperimentConfig, new: &ExperimentConfig) -> Vec<String> {
    let [old, new] =
        [old, new].map(|config| Table::try_from(config).expect("a config has only TOML's types"));
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| {
            format!(
                "{key} is {}, not {}",
                shown(old.get(key)),
                shown(new.get(key))
            )
        })
        .collect()
}

/// A value in a sentence. Images are shown by their sum.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => "unset".to_string(),
        Some(Value::Table(images)) => format!("that with md5 = {}", shown(images.get("md5"))),
        Some(value) => value.to_string(),
    }
}
