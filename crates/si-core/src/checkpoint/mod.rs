//! Files to resume training from. Every byte is checked, and a file is either complete or absent.

mod contents;
mod error;
mod folder;
mod format;
mod header;
#[cfg(test)]
mod tests;

pub use crate::inspection::{Inspection, StoredParameter};
pub use crate::version::BURN_VERSION;
pub use contents::Checkpoint;
pub(crate) use contents::open_sized;
pub use error::{CheckpointError, CheckpointSource};
pub use folder::CheckpointFolder;
pub(crate) use format::{LEARNER, OPTIMIZER};
pub use header::{CheckpointHeader, SettingMismatch};
pub(crate) use header::{setting_mismatches, settings};
