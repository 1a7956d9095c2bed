//! The paper's networks, initialised from a seed in the same way on every device.

mod initial;
mod mlp;

pub use mlp::{Mlp, MlpConfig};
