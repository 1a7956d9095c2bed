//! What happens to a module between and beside its steps: other modes, devices' settings, buffers, precisions,
//! exchanged and repeated parts.

mod autodiff;
mod buffers;
#[path = "../common/mod.rs"]
mod common;
mod identity;
mod information;
mod mode;
mod network;
mod precision;
mod shape;
mod skipped;
#[path = "../common/warnings.rs"]
mod warnings;
