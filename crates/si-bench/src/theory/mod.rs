//! Section 4 of the paper: compares the closed forms of the path integral on quadratic errors with simulated learning.
//!
//! [`run()`] makes a [`Theory`]. [`table()`] shows it on a terminal. [`write()`] writes
//! `theory.json`, `theory.md`, `figure.svg` and `figure.png` into a folder. Rows of
//! [`Method::Program`] come from `si_core` itself, on a Burn module in double precision. Rows of
//! [`Method::Integral`] come from plain arithmetic; they need more precision or more starts than a
//! training loop has.

mod average;
mod figure;
mod files;
mod flow;
mod markdown;
mod moments;
mod program;
mod quadratic;
mod random;
mod results;
mod row;
mod run;
mod statements;
mod table;

pub(crate) use figure::CAPTION;
pub use figure::figure;
pub use files::{Artefacts, write};
pub use markdown::markdown;
pub use results::{Normalization, Settings, Theory};
pub use row::{Case, MAX_STANDARD_ERRORS, Method, Quantity, Reading, Row};
pub use run::run;
pub(crate) use table::number;
pub use table::table;
