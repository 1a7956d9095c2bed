//! The paper's networks and their rivals, initialised from a seed in the same way on every device.

mod cnn;
mod initial;
mod mlp;
mod network;
mod one_by_one;
mod output;
mod progressive;
mod stacked;

pub use cnn::{Cnn, CnnConfig};
pub use mlp::{Mlp, MlpConfig, Units};
pub use network::{Network, NetworkConfig};
pub use output::Output;
pub use progressive::{Progressive, ProgressiveConfig};
pub use stacked::StackedMlp;
