//! The learner in burn-train: what it learns there is what it learns in a loop written by hand.

mod autodiff;
mod checkpoint;
mod devices;
mod launch;
mod metrics;
mod model;
mod recorder;
mod setup;
