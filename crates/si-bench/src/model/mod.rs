//! The paper's networks, initialised from a seed in the same way on every device.

mod cnn;
mod initial;
mod mlp;
mod network;
mod shifted;

pub use cnn::{Cnn, CnnConfig};
pub use mlp::{Mlp, MlpConfig, Units};
pub use network::{Network, NetworkConfig};
