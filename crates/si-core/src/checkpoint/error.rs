use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use burn::store::RecordError;

/// What can go wrong with checkpoints.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file that does not exist.
    #[error("there is no checkpoint at {}", path.display())]
    NotFound {
        /// The path that was tried.
        path: PathBuf,
    },
    /// A file of another kind.
    #[error("{origin} is not a checkpoint of si-core: {reason}")]
    Foreign {
        /// The file.
        origin: CheckpointSource,
        /// What it is instead, as far as that is known.
        reason: String,
    },
    /// A file in the format of another version of this library.
    #[error(
        "{origin} is a checkpoint of format {found}, but this si-core reads format {known}: use the \
         version that wrote it"
    )]
    OtherFormat {
        /// The file.
        origin: CheckpointSource,
        /// Its format.
        found: u32,
        /// The format that this version reads.
        known: u32,
    },
    /// A file that is cut off or whose bytes have changed since it was written.
    #[error("{origin} is damaged in its {part}: {reason}")]
    Damaged {
        /// The file.
        origin: CheckpointSource,
        /// The damaged part: `beginning`, `header`, `end` or a section, such as `learner`.
        part: String,
        /// What is wrong there.
        reason: String,
    },
    /// A folder in which all checkpoints are damaged.
    #[error("none of the {count} checkpoints in {} is intact; the newest: {newest}", folder.display())]
    NoneWhole {
        /// The folder.
        folder: PathBuf,
        /// The number of checkpoints in it.
        count: usize,
        /// What is wrong with the newest.
        newest: Box<CheckpointError>,
    },
    /// A checkpoint of a learner that is built differently from the one to restore.
    #[error("{origin} is of a different model: {reason}")]
    OtherModel {
        /// The file.
        origin: CheckpointSource,
        /// What differs.
        reason: String,
    },
    /// A checkpoint of an optimizer with different state from the one to restore.
    #[error("{origin} is of a different optimizer: {reason}")]
    OtherOptimizer {
        /// The file.
        origin: CheckpointSource,
        /// What differs.
        reason: String,
    },
    /// Progress that is read as a different type than it was written as.
    #[error("the progress in {origin} does not have the requested type")]
    OtherProgress {
        /// The file.
        origin: CheckpointSource,
        /// What does not fit.
        #[source]
        source: ciborium::de::Error<io::Error>,
    },
    /// An additional record that the checkpoint does not have.
    #[error("{origin} holds no record {name:?}; it has {known}")]
    NoRecord {
        /// The file.
        origin: CheckpointSource,
        /// The requested name.
        name: String,
        /// The names that it has.
        known: String,
    },
    /// State or progress that cannot be written.
    #[error("cannot make a checkpoint of the {part}: {reason}")]
    Content {
        /// `learner`, `optimizer`, `progress` or the name of an additional record.
        part: String,
        /// What is wrong.
        reason: String,
    },
    /// A file that could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// The action that failed, such as `read` or `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
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

    pub(crate) fn damaged(
        origin: &CheckpointSource,
        part: &str,
        reason: impl Into<String>,
    ) -> Self {
        Self::Damaged {
            origin: origin.clone(),
            part: part.to_string(),
            reason: reason.into(),
        }
    }

    pub(super) fn other_model(origin: &CheckpointSource, error: RecordError) -> Self {
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
pub enum CheckpointSource {
    /// A file.
    File(PathBuf),
    /// The memory of this process.
    Memory,
}

impl fmt::Display for CheckpointSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CheckpointSource::File(path) => path.display().fmt(f),
            CheckpointSource::Memory => f.write_str("the checkpoint in memory"),
        }
    }
}
