//! Reproduces the whole paper: what to run for each figure, with which budget, and how its claims
//! turn out in our data.

mod chapter;
mod claims;
mod figures;
mod page;
mod part;
mod protocol;
mod publish;
mod study;

pub use crate::claim::Claim;
pub use chapter::make;
pub use claims::claims;
pub use page::{HTML, Report, write_report};
pub use part::Part;
pub use protocol::{Budget, protocol, reductions};
pub use publish::publish;
pub use study::{Study, Variation};
