use serde::{Deserialize, Serialize};

use crate::{BURN_VERSION, SynapticIntelligence};

/// What a checkpoint says of itself before its records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointHeader {
    /// Version of si-core that wrote it.
    pub si_core: String,
    /// Version of Burn that wrote the records.
    pub burn: String,
    /// Strength c of the learner.
    pub strength: f64,
    /// Damping ξ of the learner.
    pub damping: f64,
    /// Number of tasks that the learner has consolidated, which is the index of the task being learnt.
    pub task: usize,
}

impl CheckpointHeader {
    pub(super) fn of(regularizer: &SynapticIntelligence) -> Self {
        let config = regularizer.config();
        Self {
            si_core: env!("CARGO_PKG_VERSION").to_string(),
            burn: BURN_VERSION.to_string(),
            strength: config.strength,
            damping: config.damping,
            task: regularizer.task(),
        }
    }
}
