use toml::{Table, Value};

use super::super::ExperimentConfig;

/// Keys that say where or how an experiment runs, not what it is. The threads are compared
/// separately.
const FREE: [&str; 5] = [
    "num_jobs",
    "num_threads",
    "checkpoint_seconds",
    "data_dir",
    "output_dir",
];

/// The differences between the experiments `given` and `stored`, one sentence per key.
pub(super) fn differences(stored: &ExperimentConfig, given: &ExperimentConfig) -> Vec<String> {
    let (old, new) = (table(stored), table(given));
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter(|key| !FREE.contains(&key.as_str()) && old.get(*key) != new.get(*key))
        .filter(|key| *key != "num_seeds" || given.num_seeds < stored.num_seeds)
        .map(|key| {
            format!(
                "{key} is {}, not {}",
                shown(old.get(key)),
                shown(new.get(key))
            )
        })
        .collect()
}

fn table(config: &ExperimentConfig) -> Table {
    Table::try_from(config).expect("a config has only TOML's types")
}

fn shown(value: Option<&Value>) -> String {
    value.map_or("unset".to_string(), Value::to_string)
}
