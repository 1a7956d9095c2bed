use crate::Preset;
use crate::checkpoint::CheckpointError;

/// What can go wrong with the regularizers, their settings and their files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A strength below zero or not finite.
    #[error("strength must be a finite number ≥ 0, got {0}")]
    Strength(f64),
    /// A factor of the strength schedule below zero or not finite.
    #[error("each factor of strength_schedule must be a finite number ≥ 0, got {0}")]
    StrengthSchedule(f64),
    /// A factor of a replica's strength below zero or not finite.
    #[error("each factor of replica_strengths must be a finite number ≥ 0, got {0}")]
    ReplicaStrength(f64),
    /// Replicas that cannot be stacked, or that a stack does not have.
    #[error("{0}")]
    Replicas(String),
    /// Learners that cannot be merged.
    #[error("the learners cannot be merged: {0}")]
    Merge(String),
    /// A damping that is not positive.
    #[error("damping must be a finite number > 0, got {0}")]
    Damping(f64),
    /// A bound on the importance that is not positive.
    #[error("importance_bound must be a finite number > 0, got {0}")]
    ImportanceBound(f64),
    /// A decay outside its range.
    #[error("decay of `{setting}` must be in [0, 1), got {decay}")]
    Decay {
        /// What it is the decay of.
        setting: &'static str,
        /// The value given.
        decay: f64,
    },
    /// An interval of a running measure of importance without steps.
    #[error("interval must be at least 1 step, got 0")]
    Interval,
    /// A precision for importance and anchor that a device does not support.
    #[error(
        "state_precision is bf16, which {0} does not support; use `StatePrecision::Full` there"
    )]
    StatePrecision(String),
    /// Importance that cannot be measured.
    #[error("the importance cannot be measured: {0}")]
    Importance(String),
    /// A decay of earlier importance outside its range, which is not that of [`Decay`](Self::Decay).
    #[error("decay of `Joining::Latest` must be in (0, 1], got {0}")]
    JoiningDecay(f64),
    /// A policy that sets a damping for a quadratic penalty, which has none.
    #[error("a quadratic penalty has no damping, but the policy for {0} sets one")]
    PenaltyDamping(String),
    /// A policy for some parameters, given to an optimizer. Optimizers see neither paths nor modules.
    #[error(
        "an optimizer sees no paths, so it cannot apply the policy for {0}; give each group of parameters a \
         separate optimizer with `ModuleOptimizer::with_group`, or use `ContinualLearner`"
    )]
    NoPath(String),
    /// A normalization, given to an optimizer. Optimizers see one parameter at a time.
    #[error(
        "an optimizer sees one parameter at a time, so it cannot divide importance by a number of all of them; set \
         normalization to `Normalization::Off`, or use `ContinualLearner`"
    )]
    OneParameter,
    /// An optimizer without synapses, from which they were to be resumed.
    #[error(
        "the optimizer holds no synapses to resume: the record that was loaded into it is not that of a \
         `Synaptic` optimizer, or is from before the first step"
    )]
    NoSynapses,
    /// A setting of a boundary detector outside its range.
    #[error("{setting} of a boundary detector must be {allowed}, got {value}")]
    BoundaryDetector {
        /// Name of the setting.
        setting: &'static str,
        /// The allowed values.
        allowed: &'static str,
        /// The value given.
        value: String,
    },
    /// Accuracies that a measure cannot use.
    #[error("{0}")]
    Accuracy(String),
    /// A preset that does not exist.
    #[error("no preset is called {0:?}; the presets are {names}", names = Preset::ALL.map(Preset::name).join(", "))]
    Preset(String),
    /// State that could not be written to SafeTensors or read from it.
    #[cfg(feature = "safetensors")]
    #[error(transparent)]
    SafeTensors(#[from] crate::safetensors::SafeTensorsError),
    /// A checkpoint that cannot be made, read or used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}
