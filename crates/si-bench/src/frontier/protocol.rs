//! The protocol of a study as it is stored: without the settings that each configuration replaces.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, Serializer};
use toml::Table;

use crate::experiment::ExperimentConfig;

use super::FrontierStudy;

/// Settings that each configuration replaces. In a protocol, they have no meaning.
const REPLACED: [&str; 4] = ["methods", "hidden_sizes", "learning_rate", "momentum"];

pub(super) fn serialize<S: Serializer>(
    protocol: &ExperimentConfig,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut stored = Table::try_from(protocol).map_err(S::Error::custom)?;
    stored.retain(|key, _| !REPLACED.contains(&key));
    stored.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<ExperimentConfig, D::Error> {
    let mut stored = Table::deserialize(deserializer)?;
    let reduced = FrontierStudy::reduced(1, 0).protocol;
    let mut all = Table::try_from(reduced).map_err(D::Error::custom)?;
    // Older files have these settings. Whatever they are, they are replaced.
    for key in REPLACED {
        stored.extend(all.remove_entry(key));
    }
    stored.try_into().map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A study in a file, with further lines in its protocol.
    fn read(text: &str, more: &str) -> FrontierStudy {
        crate::read_toml(&format!("{text}{more}")).expect("it is a study")
    }

    #[test]
    fn settings_that_each_configuration_replaces_are_not_stored() {
        let study = FrontierStudy::reduced(2, 3);
        let text = toml::to_string_pretty(&study).expect("TOML's types");
        for key in REPLACED {
            assert!(!text.contains(&format!("\n{key} = ")), "{key}: {text}");
        }
        assert!(text.contains("\nnum_epochs = 10\n"), "{text}");
        assert_eq!(read(&text, ""), study);
        // As older versions wrote them.
        let more = "methods = [\"none\"]\nhidden_sizes = [7]\nlearning_rate = 0.5\n";
        assert_eq!(read(&text, more), study);
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        let study = FrontierStudy::reduced(2, 3);
        let text = toml::to_string_pretty(&study).expect("TOML's types") + "num_epoch = 3\n";
        let read: Result<FrontierStudy, crate::Error> = crate::read_toml(&text);
        let error = read.expect_err("there is no such key").to_string();
        assert!(error.contains("num_epoch`"), "{error}");
    }
}
