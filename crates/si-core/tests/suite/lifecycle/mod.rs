//! What happens to a module between and beside its steps: other modes, devices' settings, buffers, precisions,
//! exchanged and repeated parts.

mod autodiff;
mod buffers;
mod identity;
mod information;
mod messages;
mod mode;
mod network;
mod precision;
mod quantised;
mod shape;
mod skipped;
