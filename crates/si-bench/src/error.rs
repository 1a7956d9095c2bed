use std::path::PathBuf;

/// What can go wrong with data sets, experiments and their files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration file that cannot be read as one.
    #[error("{0}")]
    Config(String),
    /// A value outside its range.
    #[error("{key} must be {expected}, got {value}")]
    Value {
        /// The key in the configuration file.
        key: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A file that could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// `read`, `write` or what else was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// An error of the regularizer.
    #[error(transparent)]
    Synaptic(#[from] si_core::Error),
}
