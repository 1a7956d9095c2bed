//! The method inside an optimizer for one parameter: for loops with an optimizer, without a wrapper around the
//! module.

mod adaptor;
mod position;
mod request;
mod state;
mod task_control;
#[cfg(test)]
mod tests;

pub use adaptor::Synaptic;
pub use state::SynapticState;
pub use task_control::TaskControl;
