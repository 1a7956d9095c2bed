//! Writes the state of the synapses to SafeTensors and reads it back, for exchange with other programs.

mod encode;
mod error;
mod export;
mod file;
mod import;
mod layout;
mod metadata;
mod report;
#[cfg(test)]
mod tests;

pub use error::SafeTensorsError;
pub use layout::WeightLayout;
pub use report::SafeTensorsReport;

/// The last parts of the names of the state's tensors.
const IMPORTANCE: &str = "importance";
const ANCHOR: &str = "anchor";
const PATH_INTEGRAL: &str = "path_integral";
const PARTS: [&str; 3] = [IMPORTANCE, ANCHOR, PATH_INTEGRAL];

/// The name in a file for a part of a parameter's state.
fn name_of(parameter: &str, part: &str) -> String {
    match parameter {
        // The module is a parameter itself.
        "" => part.to_string(),
        _ => format!("{parameter}.{part}"),
    }
}
