//! The content of a file with a learner's state, as a table and as a figure. This shows the state of a running training
//! without its model.
//!
//! [`table()`] shows an [`Inspection`](si_core::checkpoint::Inspection) on a terminal. [`write()`] writes
//! `importance.svg` and `importance.png` into a folder.

mod figure;
mod files;
mod histogram;
mod optimizer;
mod table;
#[cfg(test)]
mod testing;

pub use figure::figure;
pub use files::{Artefacts, write};
pub use table::table;
