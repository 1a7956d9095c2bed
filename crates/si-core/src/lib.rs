//! Synaptic Intelligence for [Burn](burn): modules that learn task after task with far less forgetting.
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
//! # Where to look
//!
//! - [`ContinualLearner`]: a module with the method around its training step. Begin here.
//! - [`SynapticIntelligenceConfig`] and [`Preset`]: the settings, and those of known implementations. [`ParameterPolicy`]
//!   gives some parameters another strength or damping, or leaves them out. [`settings`] has the choices in detail.
//! - [`SynapticAdamConfig`], [`SynapticAdamWConfig`] and [`SynapticSgdConfig`]: Burn's Adam, AdamW and SGD with the
//!   method in the same pass over memory. Any other optimizer works too ([`ContinualOptimizer`]).
//! - [`Checkpoint`] and [`CheckpointFolder`]: files that training resumes from, verified to the last byte, and never
//!   half written. [`checkpoint`] also reads one without its model.
//! - [`SynapticIntelligence`]: the method alone, for loops that call it themselves. Its state is a [`Synapse`] for each
//!   parameter.
//! - [`optim::Synaptic`]: the method inside any of Burn's optimizers, for loops that want no wrapper.
//! - [`diagnostics`]: what is held back, and whether consolidation works; [`TaskWarning`] says why it does not.
//! - [`boundary`]: detects when a task has ended, for streams that do not say so.
//! - [`importance`] and [`QuadraticPenalty`]: methods that measure importance at a task's end, such as Elastic Weight
//!   Consolidation. [`quadratic`] has a table of them.
//! - [`with_more_outputs`]: heads that grow with the tasks. [`unscaled`]: gradients under loss scaling, for training in
//!   16 bits.
//! - [`measures`]: the accuracy matrix with average, forgetting and transfer, and the stability during training.
//! - [`tasks`]: trains a learner on one task after the other, so that no call is forgotten between them.
//! - [`ContinualLearner::merge`]: learners that learnt different tasks in different places become one.
//! - `safetensors` (feature `safetensors`): the state to and from other programs.
//! - [`replicas`]: several trainings of a small network at once, in the time of about one on a GPU.
//! - `train` (feature `train`): [`ContinualLearner`] in burn-train's `Learner`, Burn's own training loop, and metrics that
//!   show there what consolidation costs.
//! - [`MatmulPrecision`]: whether a device really multiplies matrices in float32. CUDA often does not.
//! - [`ops`]: the arithmetic of a step, for those who bring a backend.
//!
//! # Choosing the settings
//!
//! The repository's page `docs/choosing.md` has more on each.
//!
//! - **Strength c.** Search for c on each problem: try 0.01, 0.1, 1 and 10. Compare the final average accuracy on held-out
//!   data. If c is too small, old tasks are forgotten. If it is too large, new ones are not learnt
//!   ([`EpochReport::penalty_share`](diagnostics::EpochReport::penalty_share) near 1).
//! - **Damping ξ.** Keep the [default](SynapticIntelligenceConfig::damping): c matters more.
//! - **The optimizer between tasks.** After [`end_task`](ContinualLearner::end_task), the paper creates a new optimizer if each
//!   task has separate outputs, and keeps it if tasks share them.
//! - **Memory.** ω and θ̃ each need one number per parameter from the first step, Ω from the end of the first task.
//!   [`StatePrecision::Bf16`](settings::StatePrecision::Bf16) halves Ω and θ̃.
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

// docs.rs sets this, and its compiler can show which feature an item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod boundary;
pub mod checkpoint;
mod coverage;
pub mod diagnostics;
mod error;
mod gradients;
mod growth;
pub mod importance;
mod inspection;
mod learner;
mod matmul_precision;
pub mod measures;
mod normalization;
pub mod ops;
pub mod optim;
mod pack;
mod policy;
mod precision;
mod preset;
pub mod quadratic;
mod recorded;
mod regularizer;
mod replace;
pub mod replicas;
#[cfg(feature = "safetensors")]
pub mod safetensors;
pub mod settings;
mod step;
mod synapse;
mod synapses;
pub mod tasks;
#[cfg(test)]
mod test_device;
#[cfg(test)]
mod test_line;
#[cfg(feature = "train")]
pub mod train;
mod trained;
mod traversal;
mod version;

pub use checkpoint::{Checkpoint, CheckpointFolder};
pub use diagnostics::TaskWarning;
pub use error::Error;
pub use gradients::unscaled;
pub use growth::with_more_outputs;
pub use importance::Importance;
pub use learner::ContinualLearner;
pub use matmul_precision::MatmulPrecision;
pub use optim::{
    ContinualOptimizer, SynapticAdamConfig, SynapticAdamWConfig, SynapticOptimizer,
    SynapticSgdConfig,
};
pub use policy::ParameterPolicy;
pub use preset::Preset;
pub use quadratic::{QuadraticPenalty, QuadraticPenaltyConfig};
pub use regularizer::SynapticIntelligence;
pub use settings::SynapticIntelligenceConfig;
pub use synapse::Synapse;

/// What the documents of the project show in Rust is compiled and run with the tests.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../README.md")]
    struct PackageReadme;
    #[doc = include_str!("../../../docs/first-steps.md")]
    struct FirstSteps;
    #[doc = include_str!("../../../docs/your-loop.md")]
    struct YourLoop;
    #[doc = include_str!("../../../docs/measuring.md")]
    struct Measuring;
    #[doc = include_str!("../../../docs/any-model.md")]
    struct AnyModel;
    #[doc = include_str!("../../../docs/checkpoints.md")]
    struct Checkpoints;
    #[doc = include_str!("../../../docs/choosing.md")]
    struct Choosing;
    #[doc = include_str!("../../../docs/migrating.md")]
    struct Migrating;
    #[doc = include_str!("../../../docs/backends.md")]
    struct Backends;
    #[doc = include_str!("../../../docs/troubleshooting.md")]
    struct Troubleshooting;
    #[doc = include_str!("../../../docs/own-method.md")]
    struct OwnMethod;
    #[doc = include_str!("../../../docs/streams.md")]
    struct Streams;
    #[cfg(feature = "safetensors")]
    #[doc = include_str!("../../../docs/interoperability.md")]
    struct Interoperability;
    #[cfg(feature = "safetensors")]
    #[doc = include_str!("../../../docs/merging.md")]
    struct Merging;
}
