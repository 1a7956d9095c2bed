//! The learner in burn-train learns the same as in a loop written by hand.

mod autodiff;
mod checkpoint;
mod devices;
mod launch;
mod metrics;
mod model;
mod recorder;
mod setup;
mod task_metrics;
