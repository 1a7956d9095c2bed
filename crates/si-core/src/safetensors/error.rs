use std::path::PathBuf;

use super::WeightLayout;

/// Why state could not be written to SafeTensors or read from it. If one of these is returned, nothing was changed.
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
        /// The system's error.
        source: std::io::Error,
    },
    /// A file whose content cannot be loaded.
    #[error("cannot load the state in {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<SafeTensorsError>,
    },
    /// Bytes that are not SafeTensors.
    #[error("not SafeTensors, or damaged")]
    Format(#[source] safetensors::SafeTensorError),
    /// Metadata with an invalid value.
    #[error("the metadata's {key} must be {expected}, got {value:?}")]
    Metadata {
        /// The key.
        key: &'static str,
        /// The value in the file.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A file in a different layout than the one given.
    #[error("the file is in the layout {stated}, but the layout {given} was given")]
    WeightLayout {
        /// The layout that the file states.
        stated: WeightLayout,
        /// The layout that was given.
        given: WeightLayout,
    },
    /// A tensor with a different shape than its parameter.
    #[error("{name} must have the shape {expected:?} in the layout {layout}, got {found:?}")]
    Shape {
        /// Name of the tensor.
        name: String,
        /// The layout in which the file is read.
        layout: WeightLayout,
        /// The parameter's shape in that layout.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A tensor with a type of numbers that is not supported.
    #[error("{name} must have the type F64, F32, F16 or BF16, got {found}")]
    Precision {
        /// Name of the tensor.
        name: String,
        /// The type of its numbers.
        found: String,
    },
    /// A number that is not finite in the precision of the parameter.
    #[error("{name} must hold finite numbers, got {value} at index {index} (as {precision})")]
    NotFinite {
        /// Name of the tensor.
        name: String,
        /// Index in the tensor, in the file's order.
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
        /// Names of the module's parameters, in the layout in which the file is read.
        parameters: Vec<String>,
    },
    /// A path integral without the anchor at which its task began.
    #[error("{name} cannot be used without {anchor}, where the path began")]
    PathIntegralAlone {
        /// Name of the tensor.
        name: String,
        /// Name of the tensor that is missing.
        anchor: String,
    },
    /// A file without state of the module's consolidated parameters.
    #[error(
        "no tensor is the importance, anchor or path_integral of a consolidated parameter, such as \
         {example:?}; a parameter is consolidated if it is trained and no policy excludes it"
    )]
    Nothing {
        /// A name that would have been loaded.
        example: String,
    },
    /// A regularizer without state for the module.
    #[error(
        "there is no state to write: no step was taken with the module's parameters, or they were \
         loaded since the last step and `rebind` was not called"
    )]
    NoState,
}
