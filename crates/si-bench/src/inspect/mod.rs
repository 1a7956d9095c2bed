//! What is in a file of a learner's state, as a table and as a figure: for a look into a training that
//! is under way, without its model.
//!
//! [`table()`] shows an [`Inspection`](si_core::checkpoint::Inspection) on a terminal, and [`write()`] leaves
//! `importance.svg` and `importance.png` in a folder.

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
