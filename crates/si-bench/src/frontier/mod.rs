//! The possibilities frontier of Goodfellow et al. (2013b), in a reduced form: how well networks with several kinds of
//! hidden units, with and without dropout, can do on a new task and on an old one at once.
//!
//! Each of several random configurations is an ordinary experiment in which all networks learn the two tasks, one after the
//! other, without any method against forgetting. After every epoch of the new task, a run has an error on each task. The
//! frontier of a network is the lower-left envelope of these pairs, over all configurations and epochs.

mod configuration;
mod envelope;
mod figure;
mod files;
mod finding;
mod markdown;
mod network;
mod notes;
mod protocol;
mod results;
mod study;
mod table;
#[cfg(test)]
mod testing;

pub use configuration::Configuration;
pub use envelope::Outcome;
pub use figure::figure;
pub use files::{FrontierFiles, write};
pub use finding::{Aspect, DropoutComparison, Finding, Verdict};
pub use markdown::markdown;
pub use network::{HiddenUnits, NetworkKind};
pub use notes::REDUCED;
pub use results::{Frontier, LowestSum, NetworkFrontier, Threshold};
pub use study::FrontierStudy;
pub use table::table;
