use std::path::{Path, PathBuf};

use si_core::checkpoint::Inspection;

use super::figure;
use crate::Error;
use crate::report::write_picture;

/// The files that [`write()`] writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artefacts {
    /// `importance.svg`.
    pub svg: PathBuf,
    /// `importance.png`, the same picture.
    pub png: PathBuf,
}

/// Writes `importance.svg` and `importance.png` into `folder`, which is created if missing. Replaces existing files.
/// Writes each file as a whole or not at all.
///
/// # Errors
///
/// [`Error::Figure`] if the figure cannot be drawn, and [`Error::Io`], which names the file, if one
/// cannot be written.
pub fn write(folder: &Path, inspection: &Inspection) -> Result<Artefacts, Error> {
    let figure = write_picture(folder, "importance", &figure(inspection))?;
    Ok(Artefacts {
        svg: figure.svg,
        png: figure.png,
    })
}
