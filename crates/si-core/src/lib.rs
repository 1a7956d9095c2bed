//! Synaptic Intelligence for [Burn](burn): modules that learn task after task without forgetting.
//!
//! The method of *Continual Learning Through Synaptic Intelligence* (Zenke, Poole, Ganguli 2017), for
//! any module and optimizer, on the backends below:
//!
//! ```
//! use burn::{nn::LinearConfig, optim::{AdamConfig, GradientsParams}, tensor::{Device, Tensor}};
//! use si_core::{ContinualLearner, SynapticIntelligenceConfig};
//!
//! # fn main() -> Result<(), si_core::Error> {
//! let device = Device::flex().autodiff();
//! let model = LinearConfig::new(2, 1).init(&device);
//! let mut learner = ContinualLearner::new(model, &SynapticIntelligenceConfig::new())?;
//! let mut optimizer = AdamConfig::new().init();
//! for task in [[[0.0, 1.0]], [[1.0, 0.0]]] {
//!     let loss = learner.forward(Tensor::<2>::from_floats(task, &device)).mean();
//!     let grads = GradientsParams::from_grads(loss.backward(), &learner);
//!     learner = learner.optimize(&mut optimizer, 1e-3, grads);
//!     learner.end_task();
//! }
//! assert_eq!(learner.regularizer().task(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! # Parts
//!
//! - [`ContinualLearner`]: a module with the method around its training step.
//! - [`SynapticAdam`] and [`SynapticSgd`]: Burn's Adam and SGD with the method in the same pass over memory;
//!   any other optimizer works too ([`ContinualOptimizer`]).
//! - [`Synaptic`]: the method inside any of Burn's optimizers, for loops that want no wrapper. [`Tasks`]
//!   tells it where a task ends.
//! - [`SynapticIntelligence`]: the method alone, for loops that make its calls themselves.
//! - [`SynapticIntelligenceConfig`] and [`Preset`]: the settings, and those of known implementations.
//! - [`ParameterPolicy`]: strength and damping of their own for some parameters, or none at all.
//! - [`with_more_outputs`]: heads that grow with the tasks.
//! - [`unscaled`]: gradients under loss scaling, for training in 16 bits.
//! - [`ElasticWeightConsolidation`], [`Fisher`]: the method that it is compared with, which measures
//!   importance at a task's end.
//! - [`Checkpoint`] and [`CheckpointFolder`]: files that a training goes on from, checked to the last
//!   byte, and whole or not there.
//! - [`Diagnostics`] and [`EpochReport`]: whether consolidation is working.
//! - [`BoundaryDetector`]: when a task has ended, for streams that do not say so.
//! - [`Inspection`]: what is in a checkpoint or in a learner's record, read without the model.
//! - `Layout` and `ContinualLearner::to_safetensors` (feature `safetensors`): the state to and from other
//!   programs.
//! - With the feature `train`, [`ContinualLearner`] goes into burn-train's `Learner`, Burn's own training
//!   loop, one launch for each task, on one device or several; `PenaltyMetric` and `PenaltyShareMetric`
//!   show there what consolidation costs.
//! - [`Synapse`], [`SynapticOps`] and [`SynapticBackend`]: the state and its arithmetic, for those who
//!   read it or bring a backend.
//!
//! # Choosing the settings
//!
//! - **Strength c.** Importance grows with the steps of a task and with the noise of their gradients, so
//!   the best c is found for each network, data set and number of epochs: a factor of ten at a time,
//!   from 0.01 to 10, by the average accuracy over all tasks at the end, on data that is kept for it.
//!   Too small, old tasks are forgotten; too large, new ones are not learnt
//!   ([`EpochReport::penalty_share`] near 1).
//! - **Damping ξ.** It bounds the importance of synapses that hardly moved. The paper has 1e-3, and 0.1
//!   on permuted MNIST; c matters more.
//! - **The optimizer between tasks.** The paper makes a new one where each task has outputs of its own,
//!   after [`end_task`](ContinualLearner::end_task), and keeps it where tasks share them.
//! - **Memory.** ω and θ̃ take a number per parameter each from the first step on, Ω one more from the first
//!   task's end. [`HeldPrecision::Bf16`] halves the last two. A parameter that is left out takes none.
//!
//! # Names
//!
//! | symbol | name | meaning |
//! |---|---|---|
//! | θ | `parameter` | one synapse: a weight or a bias |
//! | g | task gradient | gradient of the task loss alone, before the step and before any clipping |
//! | Δθ | step | what the optimizer really moved it by |
//! | ω | `path_integral` | running −Σ g·Δθ within the current task |
//! | Ω | `importance` | consolidated importance of all past tasks |
//! | θ̃ | `anchor` | θ at the end of the previous task |
//! | c | `strength` | strength of the penalty, ≥ 0 |
//! | ξ | `damping` | > 0 |
//!
//! # Feature flags
//!
//! - `flex` (default): Burn's CPU backend in Rust, with fused synaptic operations.
//! - `wgpu`, `vulkan`, `metal`, `webgpu`, `cuda`, `rocm`, `cpu`: Burn's backends on CubeCL, with fused synaptic
//!   operations that are one kernel each. `vulkan`, `metal`, `cuda` and `rocm` tune Burn's own kernels as they run.
//! - `ndarray`: the CPU backend that Burn has deprecated.
//! - `remote`: devices of a server, over WebSocket or Iroh, and Burn's server. The synaptic operations are those of
//!   Burn there, so any server of Burn's will do.
//! - `safetensors`: the state to and from SafeTensors files, in Burn's layout or PyTorch's
//!   (`ContinualLearner::to_safetensors`).
//! - `train`: the learner in burn-train, without the features of burn-train itself.
//!
//! The feature of each backend that a module lives on must be on here too: the operations are routed
//! to the backends that this crate was compiled with.

mod boundary;
mod checkpoint;
mod config;
mod coverage;
mod diagnostics;
mod elastic;
mod error;
mod gradients;
mod growth;
mod inspection;
#[cfg(feature = "safetensors")]
mod interchange;
mod learner;
mod ops;
mod optim;
mod pack;
mod policy;
mod precision;
mod preset;
mod recorded;
mod regularizer;
mod replace;
mod step;
mod synapse;
#[cfg(test)]
mod test_device;
#[cfg(test)]
mod test_line;
#[cfg(feature = "train")]
mod train;
mod trained;
mod traversal;
mod version;

pub use boundary::{
    Boundary, BoundaryDetector, BoundaryDetectorConfig, PeriodicDetectorConfig,
    PlateauDetectorConfig, ShiftDetectorConfig,
};
pub use checkpoint::{
    Checkpoint, CheckpointError, CheckpointFolder, CheckpointHeader, Origin, OtherSetting,
    RecordedOptimizer,
};
pub use config::{
    Accumulation, FirstTaskStart, Negatives, PathGradient, PenaltyFactor,
    SynapticIntelligenceConfig,
};
pub use coverage::{Consolidation, Coverage, ParameterCoverage};
pub use diagnostics::{Diagnostics, EpochReport, Inert, ParameterDiagnostics};
pub use elastic::{
    ElasticForm, ElasticWeightConsolidation, ElasticWeightConsolidationConfig, Fisher, Labels,
    Spring,
};
pub use error::Error;
pub use gradients::unscaled;
pub use growth::with_more_outputs;
pub use inspection::{Inspection, StoredParameter};
#[cfg(feature = "safetensors")]
pub use interchange::{Layout, SafeTensorsError, SafeTensorsReport};
pub use learner::ContinualLearner;
pub use ops::{AdamUpdate, SgdUpdate, SynapticBackend, SynapticOps, SynapticUpdate};
pub use optim::{
    ContinualOptimizer, Synaptic, SynapticAdam, SynapticAdamConfig, SynapticOptimizer, SynapticSgd,
    SynapticSgdConfig, SynapticSgdState, SynapticState, Tasks,
};
pub use policy::ParameterPolicy;
pub use precision::HeldPrecision;
pub use preset::Preset;
pub use regularizer::SynapticIntelligence;
pub use synapse::Synapse;
#[cfg(feature = "train")]
pub use train::{PenaltyMetric, PenaltyShareMetric};
pub use version::BURN_VERSION;

/// What the documents of the project show in Rust is compiled and run with the tests.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/first-steps.md")]
    struct FirstSteps;
    #[doc = include_str!("../../../docs/your-loop.md")]
    struct YourLoop;
    #[doc = include_str!("../../../docs/any-model.md")]
    struct AnyModel;
    #[doc = include_str!("../../../docs/checkpoints.md")]
    struct Checkpoints;
    #[doc = include_str!("../../../docs/choosing.md")]
    struct Choosing;
    #[doc = include_str!("../../../docs/troubleshooting.md")]
    struct Troubleshooting;
    #[doc = include_str!("../../../docs/streams.md")]
    struct Streams;
    #[cfg(feature = "safetensors")]
    #[doc = include_str!("../../../docs/interoperability.md")]
    struct Interoperability;
}
