//! The learner in burn-train: what it learns there is what it learns in a loop written by hand.

mod checkpoint;
#[path = "../common/mod.rs"]
mod common;
mod devices;
mod launch;
mod metrics;
#[path = "../common/mlp.rs"]
mod mlp;
mod model;
mod recorder;
mod setup;
