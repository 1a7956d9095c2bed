use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use burn::store::RecordError;

/// What can go wrong with checkpoints.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file that is not there.
    #[error("there is no checkpoint at {}", path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file of another kind.
    #[error("{origin} is no checkpoint of si-core: {reason}")]
    Foreign {
        /// The file.
        origin: Origin,
        /// What it is instead, as far as that can be told.
        reason: String,
    },
    /// A file that another version of this library has written.
    #[error(
        "{origin} is a checkpoint of format {found}, and this si-core reads format {known}: take the \
         version that wrote it"
    )]
    OtherFormat {
        /// The file.
        origin: Origin,
        /// Its format.
        found: u32,
        /// The format that is known here.
        known: u32,
    },
    /// A file that was cut off, or whose bytes are not those that were written.
    #[error("{origin} is damaged in its {part}: {reason}")]
    Damaged {
        /// The file.
        origin: Origin,
        /// Where: `beginning`, `header`, `end` or a section, such as `learner`.
        part: String,
        /// What is wrong there.
        reason: String,
    },
    /// Nothing but damaged files in a folder of checkpoints.
    #[error("none of the {count} checkpoints in {} is whole; the newest: {newest}", folder.display())]
    NoneWhole {
        /// The folder.
        folder: PathBuf,
        /// How many there are.
        count: usize,
        /// What is wrong with the newest.
        newest: Box<CheckpointError>,
    },
    /// A checkpoint of a learner that is not built like the one it is to be restored into.
    #[error("{origin} is of another model: {reason}")]
    OtherModel {
        /// The file.
        origin: Origin,
        /// What differs.
        reason: String,
    },
    /// A checkpoint whose optimizer keeps another state than the one it is to be restored into.
    #[error("{origin} is of another optimizer: {reason}")]
    OtherOptimizer {
        /// The file.
        origin: Origin,
        /// What differs.
        reason: String,
    },
    /// Progress that is read as another type than it was written as.
    #[error("the progress in {origin} is of another type than is asked for")]
    OtherProgress {
        /// The file.
        origin: Origin,
        /// What does not fit.
        #[source]
        source: ciborium::de::Error<io::Error>,
    },
    /// A further record that the checkpoint does not hold.
    #[error("{origin} holds no record {name:?}; it has {known}")]
    NoRecord {
        /// The file.
        origin: Origin,
        /// What was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// State or progress that cannot be written.
    #[error("cannot make a checkpoint of the {part}: {reason}")]
    Content {
        /// `learner`, `optimizer`, `progress` or the name of a further record.
        part: String,
        /// What was wrong.
        reason: String,
    },
    /// A file that could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// `read`, `write` or what else was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl CheckpointError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// The error for a file that could not be opened.
    pub(crate) fn opening(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            _ => Self::io("read", &path)(source),
        }
    }

    pub(super) fn content(part: &str, error: &dyn fmt::Display) -> Self {
        Self::Content {
            part: part.to_string(),
            reason: error.to_string(),
        }
    }

    pub(crate) fn damaged(origin: &Origin, part: &str, reason: impl Into<String>) -> Self {
        Self::Damaged {
            origin: origin.clone(),
            part: part.to_string(),
            reason: reason.into(),
        }
    }

    pub(super) fn other_model(origin: &Origin, error: RecordError) -> Self {
        let reason = match error {
            RecordError::Io(reason) | RecordError::Validation(reason) => reason,
        };
        Self::OtherModel {
            origin: origin.clone(),
            reason,
        }
    }
}

/// Where a checkpoint came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file.
    File(PathBuf),
    /// This process.
    Memory,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File(path) => path.display().fmt(f),
            Origin::Memory => f.write_str("the checkpoint in memory"),
        }
    }
}
