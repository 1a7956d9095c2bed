//! State of the synapses to and from SafeTensors, for other programs.

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

/// Tensors of the state, by the ends of their names.
const IMPORTANCE: &str = "importance";
const ANCHOR: &str = "anchor";
const PATH_INTEGRAL: &str = "path_integral";
const PARTS: [&str; 3] = [IMPORTANCE, ANCHOR, PATH_INTEGRAL];

/// The name in a file of a part of a parameter's state.
fn name_of(parameter: &str, part: &str) -> String {
    match parameter {
        // The module is a parameter itself.
        "" => part.to_string(),
        _ => format!("{parameter}.{part}"),
    }
}
