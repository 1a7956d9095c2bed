use std::{io, path::Path};

use crate::Error;

/// Why a file is not what was expected.
#[derive(Debug)]
pub(super) enum Flaw {
    /// The file can be read, but holds something else.
    Content { expected: String, found: String },
    /// The file cannot be read.
    Io(io::Error),
}

impl Flaw {
    /// Separates damage reported by a decoder from failures of a disk.
    pub(super) fn of_reading(error: io::Error, expected: impl Into<String>) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidData => Flaw::Content {
                expected: expected.into(),
                found: format!("damaged gzip data ({error})"),
            },
            _ => Flaw::Io(error),
        }
    }

    /// The same flaw, for the file `name` inside an archive.
    pub(super) fn inside(self, name: &str) -> Self {
        match self {
            Flaw::Content { expected, found } => Flaw::Content {
                expected: format!("{expected} in {name}"),
                found,
            },
            Flaw::Io(error) => Flaw::Io(error),
        }
    }

    /// The error that names the file at `path` among the user's own images.
    pub(super) fn of_own_images(self, path: &Path) -> Error {
        match self {
            Flaw::Content { expected, found } => Error::OwnImages {
                path: path.to_path_buf(),
                reason: format!("it must hold {expected}, found {found}"),
            },
            Flaw::Io(_) => self.at(path),
        }
    }

    /// The error that names the file at `path`.
    pub(super) fn at(self, path: &Path) -> Error {
        let path = path.to_path_buf();
        match self {
            Flaw::Content { expected, found } => Error::DataFile {
                path,
                expected,
                found,
            },
            Flaw::Io(source) => Error::Io {
                action: "read",
                path,
                source,
            },
        }
    }
}
