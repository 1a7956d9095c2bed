//! What happens to a module between steps and alongside them: modes, device settings, buffers, precisions, and
//! replaced or repeated parts.

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
