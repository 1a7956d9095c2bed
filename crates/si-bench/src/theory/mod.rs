//! Section 4 of the paper: the closed forms of the path integral on quadratic errors, against learning
//! that is simulated.
//!
//! [`run()`] makes a [`Theory`], [`table()`] shows it on a terminal, and [`write()`] leaves
//! `theory.json`, `theory.md`, `figure.svg` and `figure.png` in a folder. Rows of
//! [`Method::Program`] come from `si_core` itself, on a Burn module in double precision; those of
//! [`Method::Integral`], where more precision or more starts are called for than a training loop
//! has, from plain arithmetic.

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
