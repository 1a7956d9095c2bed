use std::path::{Path, PathBuf};

use crate::Error;
use crate::replace_file::replace;
use crate::report::write_picture;

use super::{Theory, figure, markdown};

/// The files that [`write()`] writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artefacts {
    /// `theory.json`.
    pub json: PathBuf,
    /// `theory.md`.
    pub markdown: PathBuf,
    /// `figure.svg`.
    pub svg: PathBuf,
    /// `figure.png`, the same picture.
    pub png: PathBuf,
}

/// Writes `theory.json`, `theory.md`, `figure.svg` and `figure.png` into `folder`, which is created
/// if missing. Replaces existing files. Writes each file as a whole or not at all.
///
/// # Errors
///
/// [`Error::Figure`] if the figure cannot be drawn, and [`Error::Io`], which names the file, if one
/// cannot be written.
pub fn write(folder: &Path, theory: &Theory) -> Result<Artefacts, Error> {
    let figure = write_picture(folder, "figure", &figure(theory))?;
    Ok(Artefacts {
        json: replace(folder, "theory.json", theory.to_json().as_bytes())?,
        markdown: replace(folder, "theory.md", markdown(theory).as_bytes())?,
        png: figure.png,
        svg: figure.svg,
    })
}
