use std::path::{Path, PathBuf};

use crate::Error;
use crate::replace_file::replace;
use crate::report::write_picture;

use super::figures::FIGURES;
use super::{Comparison, markdown};

/// The files that [`write()`] writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparisonFiles {
    /// `compare.json`. It is written last, so where it is, all are.
    pub json: PathBuf,
    /// `compare.md`.
    pub markdown: PathBuf,
    /// Figures, as SVG and as PNG: accuracy over the tasks, stability against plasticity, and accuracy against memory.
    pub figures: Vec<PathBuf>,
}

impl ComparisonFiles {
    /// The name of `json`.
    pub const JSON: &str = "compare.json";
}

/// Writes the page, the figures and `compare.json` into `folder`, which is created if missing. Replaces existing files.
/// Writes each file as a whole or not at all.
///
/// # Errors
///
/// [`Error::Figure`] if a figure cannot be drawn, and [`Error::Io`], which names the file, if one cannot be written.
pub fn write(folder: &Path, comparison: &Comparison) -> Result<ComparisonFiles, Error> {
    let mut figures = Vec::new();
    for figure in FIGURES {
        let picture = write_picture(folder, figure.name, &(figure.draw)(comparison))?;
        figures.extend([picture.svg, picture.png]);
    }
    let page = markdown(comparison);
    Ok(ComparisonFiles {
        markdown: replace(folder, "compare.md", page.as_bytes())?,
        figures,
        json: replace(
            folder,
            ComparisonFiles::JSON,
            comparison.to_json().as_bytes(),
        )?,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::comparison::testing;

    #[test]
    fn folder_holds_the_page_the_figures_and_the_json() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("made");
        let files = write(&folder, &testing::comparison()).expect("written");
        assert_eq!(
            write(&folder, &testing::comparison()).expect("again"),
            files
        );
        let mut names: Vec<_> = fs::read_dir(&folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "accuracy.png",
                "accuracy.svg",
                "compare.json",
                "compare.md",
                "memory.png",
                "memory.svg",
                "stability.png",
                "stability.svg"
            ]
        );
    }
}
