#![warn(missing_docs)]

//! Synaptic Intelligence for Burn.

mod config;
mod error;
mod preset;
mod regularizer;

pub use config::{
    Accumulation, FirstTaskStart, Negatives, PathGradient, PenaltyFactor,
    SynapticIntelligenceConfig,
};
pub use error::Error;
pub use preset::Preset;
pub use regularizer::SynapticIntelligence;
