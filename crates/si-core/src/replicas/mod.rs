//! Several trainings of one network at once: a stack of replicas, as one module.
//!
//! A step of a small network on a GPU takes as long as it takes the host to start its operations. A *stack* holds
//! several replicas of a network, each with separate numbers and separate data. The parameters of a stack have the
//! replicas along their first axis, so one operation serves all replicas. The replicas share nothing but these
//! operations: each learns as it would alone, within rounding.
//!
//! | | one network | a stack |
//! |---|---|---|
//! | layer | [`Linear`](burn::nn::Linear) | [`StackedLinear`] |
//! | weight, bias | `[inputs, outputs]`, `[outputs]` | `[replicas, inputs, outputs]`, `[replicas, 1, outputs]` |
//! | other parameter | `[…]` | `[replicas, …]`, by [`stack`] |
//! | batch, labels | `[batch, inputs]`, `[batch]` | `[replicas, batch, inputs]`, `[replicas, batch]` |
//! | loss | mean over the batch | sum over the replicas of that mean, such as [`cross_entropy`] and `sum` |
//!
//! A learner takes a stack like any module:
//!
//! ```
//! use burn::nn::{Linear, LinearConfig};
//! use burn::tensor::{Device, Int, Tensor};
//! use si_core::replicas::{StackedLinear, cross_entropy};
//! use si_core::{ContinualLearner, SynapticAdamConfig, SynapticIntelligenceConfig};
//!
//! # fn main() -> Result<(), si_core::Error> {
//! let device = Device::flex().autodiff();
//! // Three networks of one layer, each with separate initial numbers.
//! let layers: Vec<Linear> = (0..3).map(|_| LinearConfig::new(4, 2).init(&device)).collect();
//! let stack = StackedLinear::new(&layers)?;
//! let config = SynapticIntelligenceConfig::new().with_replica_strengths(vec![0.0, 0.1, 1.0]);
//! let mut learner = ContinualLearner::new(stack, &config)?;
//! let mut optimizer = SynapticAdamConfig::new().init();
//! let images = Tensor::<3>::ones([3, 8, 4], &device);
//! let labels = Tensor::<2, Int>::zeros([3, 8], &device);
//! (learner, _) = learner.step(&mut optimizer, 1e-3, |stack| {
//!     cross_entropy(stack.forward(images), labels).sum()
//! });
//! learner.end_task();
//! let second: Linear = learner.replica(1)?;
//! # assert_eq!(second.weight.dims(), [4, 2]);
//! # Ok(())
//! # }
//! ```
//!
//! # The loss
//!
//! The loss of a stack is the **sum** over the replicas of each one's mean loss. Then the gradient of a replica's
//! parameters is that of its own loss. With a mean over the replicas, every gradient would be divided by their number.
//!
//! # Strengths
//!
//! [`replica_strengths`](crate::SynapticIntelligenceConfig::replica_strengths) has a factor of the strength c for each
//! replica. With a strength of 1 the factors are the strengths, and a replica with the factor 0 learns without
//! consolidation. Before the first step of a task, each importance is multiplied by the factor of its replica once, and
//! the product is kept next to the importance: one more number per parameter. Without these factors there is no such
//! product. Records do not hold it.
//!
//! # What is common to the replicas
//!
//! - The learning rate, the tasks and their ends, and all settings other than the strength.
//! - The optimizer must treat each number separately, as Adam, AdamW, SGD and RMSProp do. Clip gradients by value: a
//!   norm would be that of all replicas together.
//! - With a [`normalization`](crate::SynapticIntelligenceConfig::normalization), the mean or the largest element is that of
//!   all replicas together, so a replica no longer learns as it would alone.
//! - Reports are of the whole stack: the loss and the penalty are sums over the replicas, and the quantiles of
//!   [`diagnostics`](crate::ContinualLearner::diagnostics) are of all replicas. If one replica diverges, the stack is
//!   reported as diverged, but the others learn on. [`cross_entropy`] gives each replica's loss, and
//!   [`Synapse`](crate::Synapse) each one's importance, along the first axis.
//!
//! # What is not here
//!
//! There is no stacked convolution. A convolution with `groups` equal to the number of replicas is one, if the replicas
//! are next to each other along the channels: `[replicas · outputs, inputs, …]`. The strengths fit such a weight too:
//! the first axis is divided into equal blocks, one for each replica. With Flex it is no faster than one convolution
//! after the other; `cargo xtask bench --only replicas` measures both. [`QuadraticPenalty`](crate::QuadraticPenalty) has one
//! strength for all replicas.

mod alone;
mod linear;
mod loss;
mod optimizer;
mod parameters;
pub(crate) mod strengths;

pub use linear::StackedLinear;
pub use loss::cross_entropy;
pub use parameters::{replica, stack};
