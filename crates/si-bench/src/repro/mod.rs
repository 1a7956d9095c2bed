//! The whole paper again: what is run for each of its figures, on which budget, and what its claims
//! come to in our data.

mod chapter;
mod claim;
mod claims;
mod figures;
mod page;
mod part;
mod protocol;
mod publish;
mod study;

pub use chapter::make;
pub use claim::Claim;
pub use claims::claims;
pub use page::{HTML, Report, write_report};
pub use part::Part;
pub use protocol::{Budget, protocol, reductions};
pub use publish::publish;
pub use study::{Study, Variation};
