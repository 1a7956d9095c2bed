use toml::{Table, Value};

use super::super::ExperimentConfig;

impl ExperimentConfig {
    /// Why an experiment with the settings `self` cannot be resumed with those `given`, one sentence per key. Empty if it
    /// can: where and how it runs does not count, and there may be more seeds.
    pub fn differences(&self, given: &Self) -> Vec<String> {
        let (old, new) = (table(self), table(given));
        let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
        keys.sort();
        keys.dedup();
        keys.into_iter()
            .filter(|key| old.get(*key) != new.get(*key))
            .filter(|key| *key != "num_seeds" || given.num_seeds < self.num_seeds)
            .map(|key| {
                format!(
                    "{key} is {}, not {}",
                    shown(old.get(key)),
                    shown(new.get(key))
                )
            })
            .collect()
    }
}

fn table(config: &ExperimentConfig) -> Table {
    Table::try_from(config.anywhere()).expect("a config has only TOML's types")
}

/// A value in a sentence. Images are shown by their sum.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => "unset".to_string(),
        Some(Value::Table(images)) => format!("that with md5 = {}", shown(images.get("md5"))),
        Some(value) => value.to_string(),
    }
}
