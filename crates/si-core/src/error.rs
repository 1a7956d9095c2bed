use crate::Preset;
use crate::checkpoint::CheckpointError;

/// What can go wrong with a regularizer and its files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A strength below zero or not finite.
    #[error("strength must be a finite number ≥ 0, got {0}")]
    Strength(f64),
    /// A factor of the strength schedule below zero or not finite.
    #[error("each factor of strength_schedule must be a finite number ≥ 0, got {0}")]
    StrengthSchedule(f64),
    /// A damping that is not positive.
    #[error("damping must be a finite number > 0, got {0}")]
    Damping(f64),
    /// A bound on the importance that is not positive.
    #[error("importance_bound must be a finite number > 0, got {0}")]
    ImportanceBound(f64),
    /// A decay of the moving average outside its range.
    #[error("decay must be in [0, 1), got {0}")]
    Decay(f64),
    /// A precision for importance and anchor that a device does not support.
    #[error(
        "state_precision is bf16, which {0} does not support; use `StatePrecision::Full` there"
    )]
    StatePrecision(String),
    /// Fisher information that cannot be measured.
    #[error("the Fisher information cannot be measured: {0}")]
    Fisher(String),
    /// A decay of the online Fisher information outside its range.
    #[error("decay of the online form must be in (0, 1], got {0}")]
    OnlineDecay(f64),
    /// A damping for elastic weight consolidation, which has none.
    #[error("elastic weight consolidation has no damping, and the policy for {0} sets one")]
    ElasticDamping(String),
    /// A policy for some parameters, for an optimizer, which sees neither paths nor modules.
    #[error(
        "an optimizer sees no path, so it cannot follow the policy for {0}; give each group of parameters an \
         optimizer of its own with `ModuleOptimizer::with_group`, or use `ContinualLearner`"
    )]
    NoPath(String),
    /// An optimizer without synapses, where they were to be resumed.
    #[error(
        "the optimizer holds no synapses to resume: what was loaded into it is the record of another \
         optimizer than a `Synaptic` one, or from before the first step"
    )]
    NoSynapses,
    /// A setting of a boundary detector outside its range.
    #[error("{setting} of a boundary detector must be {allowed}, got {value}")]
    BoundaryDetector {
        /// Name of the setting.
        setting: &'static str,
        /// The values that it may have.
        allowed: &'static str,
        /// The value that it has.
        value: String,
    },
    /// A preset that does not exist.
    #[error("no preset is called {0:?}; there are {names}", names = Preset::ALL.map(Preset::name).join(", "))]
    Preset(String),
    /// State that could not be written to SafeTensors, or read from it.
    #[cfg(feature = "safetensors")]
    #[error(transparent)]
    SafeTensors(#[from] crate::safetensors::SafeTensorsError),
    /// A checkpoint that cannot be made, read or used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

impl Error {
    /// What is wrong with an example, by its place among the examples, from 0.
    pub(crate) fn fisher(example: usize, what: &str) -> Self {
        Self::Fisher(format!("example {example} {what}"))
    }
}
