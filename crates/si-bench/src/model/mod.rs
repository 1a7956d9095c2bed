//! The paper's networks, initialised from a seed in the same way on every device.

mod cnn;
mod initial;
mod mlp;

pub use cnn::{Cnn, CnnConfig};
pub use mlp::{Mlp, MlpConfig};
