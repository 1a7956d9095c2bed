//! A comparison of many methods under one protocol: strengths that one search finds for all, results on fresh seeds, and
//! what each method costs.

mod best;
mod candidate;
mod claims;
mod figures;
mod files;
mod markdown;
mod notes;
mod published;
mod results;
mod row;
mod table;
#[cfg(test)]
mod testing;

pub use best::BestStrength;
pub use candidate::{Candidate, LeftOut, Selection};
pub use files::{ComparisonFiles, write};
pub use markdown::markdown;
pub use results::{Comparison, OracleSearch, Runs, best_trials};
pub use row::{ComparedMethod, MethodCost, Searched};
pub use table::table;
