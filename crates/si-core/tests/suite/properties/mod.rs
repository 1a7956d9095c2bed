//! Properties that must hold for any module, data and setting.

mod invariants;
mod modules;
mod reports;
mod setup;
