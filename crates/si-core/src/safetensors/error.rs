use std::path::PathBuf;

use super::WeightLayout;

/// Why state was not written to SafeTensors, or not read from it. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SafeTensorsError {
    /// A file that could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file whose content cannot be taken.
    #[error("cannot take the state in {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<SafeTensorsError>,
    },
    /// Bytes that are no SafeTensors.
    #[error("not SafeTensors, or damaged")]
    Format(#[source] safetensors::SafeTensorError),
    /// Metadata that cannot be what it says.
    #[error("the metadata's {key} must be {expected}, got {value:?}")]
    Metadata {
        /// The key.
        key: &'static str,
        /// The value in the file.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A file in another layout than it is read in.
    #[error("the tensors are in the layout {stated}, and were to be read as {given}")]
    WeightLayout {
        /// The layout that the file states.
        stated: WeightLayout,
        /// The layout that was given.
        given: WeightLayout,
    },
    /// A tensor in another shape than its parameter's.
    #[error("{name} must have the shape {expected:?} in the layout {layout}, got {found:?}")]
    Shape {
        /// Name of the tensor.
        name: String,
        /// The layout that the file is read in.
        layout: WeightLayout,
        /// The parameter's shape in that layout.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A tensor of numbers of another kind.
    #[error("{name} must be of F64, F32, F16 or BF16, got {found}")]
    Precision {
        /// Name of the tensor.
        name: String,
        /// The kind of its numbers.
        found: String,
    },
    /// A number that is not finite in the precision of the parameter.
    #[error("{name} must hold finite numbers, got {value} at index {index} (as {precision})")]
    NotFinite {
        /// Name of the tensor.
        name: String,
        /// Index in the tensor as it lies in the file.
        index: usize,
        /// The number, in the parameter's precision.
        value: f64,
        /// The parameter's precision.
        precision: String,
    },
    /// State of parameters that the module does not have.
    #[error(
        "the module has no parameter for {}; its parameters are {}",
        names.join(", "),
        parameters.join(", ")
    )]
    UnknownParameter {
        /// Names of the tensors.
        names: Vec<String>,
        /// Names of the module's parameters, in the layout that the file is read in.
        parameters: Vec<String>,
    },
    /// A path integral whose task has no known beginning.
    #[error("{name} cannot be used without {anchor}, the place that the path began at")]
    PathIntegralAlone {
        /// Name of the tensor.
        name: String,
        /// Name of the tensor that is missing.
        anchor: String,
    },
    /// A file that says nothing of the module's parameters.
    #[error(
        "no tensor is the importance, anchor or path_integral of a parameter that is consolidated, \
         such as {example:?}; parameters must be trained, and no policy may exclude them"
    )]
    Nothing {
        /// A name that would have been taken.
        example: String,
    },
    /// A regularizer without state for the module.
    #[error(
        "there is no state to write: no step was taken with the module's parameters, or they were \
         loaded since and the state is to be given to them by `rebind`"
    )]
    NoState,
}
