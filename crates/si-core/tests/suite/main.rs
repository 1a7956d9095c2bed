//! The tests of si-core through its public API. They are one program, because each further program would link all
//! of Burn again.
//!
//! They run on Flex, or on the device that the variable `BURN_DEVICE` names, such as `wgpu`.

mod adapters;
mod any_model;
mod burn_nn;
mod closed_forms;
mod common;
mod conformance;
mod forks;
mod golden;
#[cfg(feature = "cube")]
mod launches;
mod life;
mod lifecycle;
mod properties;
mod quadratic;
mod settings;
mod stack;
#[cfg(feature = "train")]
mod train;
