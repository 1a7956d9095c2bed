use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::checkpoint::BURN_VERSION;
use crate::{SynapticIntelligence, SynapticIntelligenceConfig};

/// The header of a checkpoint, which comes before its records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointHeader {
    /// Version of si-core that wrote the checkpoint.
    pub si_core: String,
    /// Version of Burn that wrote the records.
    pub burn: String,
    /// Number of tasks that the learner has consolidated, which is also the index of the task being learnt.
    pub task: usize,
    /// The learner's settings, with the names of the version that wrote them.
    settings: Settings,
}

/// Settings by name, as in a serialized configuration.
pub(crate) type Settings = BTreeMap<String, Value>;

/// A setting with different values in a checkpoint and in a configuration. Both are kept as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingMismatch {
    /// Name of the field in [`SynapticIntelligenceConfig`].
    pub name: String,
    /// The checkpoint's value.
    pub stored: String,
    /// The configuration's value.
    pub given: String,
}

impl CheckpointHeader {
    pub(super) fn of(regularizer: &SynapticIntelligence) -> Self {
        Self {
            si_core: env!("CARGO_PKG_VERSION").to_string(),
            burn: BURN_VERSION.to_string(),
            task: regularizer.task(),
            settings: settings(regularizer.config()),
        }
    }

    /// The settings of the learner: each name, and its value as text.
    pub fn settings(&self) -> impl Iterator<Item = (&str, String)> {
        let settings = self.settings.iter();
        settings.map(|(name, value)| (name.as_str(), shown(value)))
    }

    /// The settings that have a different value in `config`.
    pub fn setting_mismatches(&self, config: &SynapticIntelligenceConfig) -> Vec<SettingMismatch> {
        setting_mismatches(&self.settings, &settings(config))
    }
}

/// The settings that both have, with different values.
pub(crate) fn setting_mismatches(stored: &Settings, given: &Settings) -> Vec<SettingMismatch> {
    let mut others = Vec::new();
    for (name, stored) in stored {
        if let Some(given) = given.get(name).filter(|given| *given != stored) {
            others.push(SettingMismatch {
                name: name.clone(),
                stored: shown(stored),
                given: shown(given),
            });
        }
    }
    others
}

pub(crate) fn settings(config: &SynapticIntelligenceConfig) -> Settings {
    let settings = serde_json::to_value(config).and_then(serde_json::from_value);
    settings.expect("a config has names and values of JSON's types")
}

fn shown(value: &Value) -> String {
    match (value, value.as_f64()) {
        (Value::Null, _) => "none".to_string(),
        (Value::String(word), _) => word.clone(),
        (_, Some(number)) => number.to_string(),
        (other, _) => other.to_string(),
    }
}
