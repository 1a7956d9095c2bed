//! The method inside an optimizer of one parameter, for loops that have an optimizer and want no wrapper.

mod adaptor;
mod position;
mod state;
mod survey;
mod task_control;
#[cfg(test)]
mod tests;

pub use adaptor::Synaptic;
pub use state::SynapticState;
pub use task_control::TaskControl;
