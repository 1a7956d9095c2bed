use core::str::FromStr;
use std::collections::{BTreeMap, HashMap};

use super::{SafeTensorsError, WeightLayout};
use crate::SynapticIntelligence;
use crate::ops::SynapticBackend;
use crate::settings::Normalization;

const FORMAT: &str = "format";
const VERSION: &str = "si_core_version";
const LAYOUT: &str = "layout";
const TASK: &str = "task";
const NUM_STEPS: &str = "num_steps";
const STRENGTH: &str = "strength";
const DAMPING: &str = "damping";
const NORMALIZATION: &str = "normalization";

/// The known metadata of a file. Each entry is optional.
#[derive(Default)]
pub(super) struct Metadata {
    pub(super) layout: Option<WeightLayout>,
    pub(super) task: Option<usize>,
    pub(super) num_steps: Option<usize>,
    pub(super) strength: Option<f64>,
    pub(super) damping: Option<f64>,
    pub(super) normalization: Option<Normalization>,
}

impl Metadata {
    /// The entries for a file of `regularizer`.
    pub(super) fn entries<B: SynapticBackend>(
        regularizer: &SynapticIntelligence<B>,
        layout: WeightLayout,
    ) -> BTreeMap<&'static str, String> {
        let config = regularizer.config();
        BTreeMap::from([
            (FORMAT, "synaptic_intelligence".to_string()),
            (VERSION, env!("CARGO_PKG_VERSION").to_string()),
            (LAYOUT, layout.to_string()),
            (TASK, regularizer.task().to_string()),
            (NUM_STEPS, regularizer.meter.steps_in_task.to_string()),
            (STRENGTH, config.strength.to_string()),
            (DAMPING, config.damping.to_string()),
            (NORMALIZATION, config.normalization.name().to_string()),
        ])
    }

    /// Reads the known entries. Ignores others and the format's name, which other programs may use
    /// differently.
    pub(super) fn read(
        entries: Option<&HashMap<String, String>>,
    ) -> Result<Self, SafeTensorsError> {
        let Some(entries) = entries else {
            return Ok(Self::default());
        };
        Ok(Self {
            layout: named(entries, LAYOUT, "burn or pytorch", WeightLayout::named)?,
            task: count(entries, TASK)?,
            num_steps: count(entries, NUM_STEPS)?,
            strength: number(entries, STRENGTH, "a number")?,
            damping: number(entries, DAMPING, "a number")?,
            normalization: named(
                entries,
                NORMALIZATION,
                "off, mean or largest",
                Normalization::named,
            )?,
        })
    }
}

/// A choice, by its name.
fn named<T>(
    entries: &HashMap<String, String>,
    key: &'static str,
    expected: &'static str,
    choice: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, SafeTensorsError> {
    let read = |name: &String| {
        choice(name).ok_or_else(|| SafeTensorsError::Metadata {
            key,
            value: name.clone(),
            expected,
        })
    };
    entries.get(key).map(read).transpose()
}

/// A number of tasks or steps, which a record stores in 32 bits.
fn count(
    entries: &HashMap<String, String>,
    key: &'static str,
) -> Result<Option<usize>, SafeTensorsError> {
    let count: Option<i32> = number(entries, key, COUNT)?;
    let positive = |count| {
        usize::try_from(count).map_err(|_| SafeTensorsError::Metadata {
            key,
            value: entries.get(key).cloned().unwrap_or_default(),
            expected: COUNT,
        })
    };
    count.map(positive).transpose()
}

const COUNT: &str = "a whole number from 0 to 2147483647";

fn number<T: FromStr>(
    entries: &HashMap<String, String>,
    key: &'static str,
    expected: &'static str,
) -> Result<Option<T>, SafeTensorsError> {
    let read = |value: &String| {
        value.parse().map_err(|_| SafeTensorsError::Metadata {
            key,
            value: value.clone(),
            expected,
        })
    };
    entries.get(key).map(read).transpose()
}
