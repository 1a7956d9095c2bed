//! What must hold for any module, data and setting.

#[path = "../common/mod.rs"]
mod common;
mod invariants;
#[path = "../common/mlp.rs"]
mod mlp;
mod modules;
mod reports;
mod setup;
#[path = "../common/warnings.rs"]
mod warnings;
