use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::Error;
use crate::replace_file::replace;
use crate::report::write_picture;

use super::{SurrogateLoss, TwoTasks, surrogate_figure, two_tasks_figure};

/// The files that [`write()`] writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artefacts {
    /// Figure 1.
    pub figure1: Picture,
    /// Figure 2.
    pub figure2: Picture,
}

/// The files of one figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its numbers.
    pub json: PathBuf,
    /// The drawing.
    pub svg: PathBuf,
    /// The same drawing in pixels.
    pub png: PathBuf,
}

/// Writes `figure1` and `figure2`, each as `.json`, `.svg` and `.png`, into `folder`, which is created if missing.
/// Replaces existing files. Writes each file as a whole or not at all.
///
/// # Errors
///
/// [`Error::Figure`] if a figure cannot be drawn, [`Error::Io`], which names the file, if one cannot be written, and
/// [`Error::DeviceNotCompiled`] without the backend `flex`, which computes the losses.
pub fn write(
    folder: &Path,
    two_tasks: &TwoTasks,
    surrogate: &SurrogateLoss,
) -> Result<Artefacts, Error> {
    Ok(Artefacts {
        figure1: write_figure(
            folder,
            "figure1",
            two_tasks,
            &two_tasks_figure::draw(two_tasks)?,
        )?,
        figure2: write_figure(
            folder,
            "figure2",
            surrogate,
            &surrogate_figure::draw(surrogate)?,
        )?,
    })
}

fn write_figure(
    folder: &Path,
    name: &str,
    numbers: &impl Serialize,
    svg: &str,
) -> Result<Picture, Error> {
    let json = serde_json::to_string_pretty(numbers).expect("figures have only JSON's types");
    let json = replace(folder, &format!("{name}.json"), (json + "\n").as_bytes())?;
    let picture = write_picture(folder, name, svg)?;
    Ok(Picture {
        json,
        svg: picture.svg,
        png: picture.png,
    })
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::schematic::{figure1, figure2, table};

    #[test]
    fn the_folder_holds_both_figures_and_nothing_else() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("made");
        let two_tasks = figure1().expect("flex is compiled in");
        let surrogate = figure2().expect("flex is compiled in");
        let artefacts = write(&folder, &two_tasks, &surrogate).expect("written");

        assert_eq!(std::fs::read_dir(&folder).expect("a folder").count(), 6);
        let text = |path: &Path| std::fs::read_to_string(path).expect("text");
        for picture in [&artefacts.figure1, &artefacts.figure2] {
            let svg = text(&picture.svg);
            roxmltree::Document::parse(&svg).expect("well-formed XML");
            assert!(!svg.contains("NaN"), "{}", picture.svg.display());
        }
        let read = serde_json::from_str::<TwoTasks>(&text(&artefacts.figure1.json));
        assert_eq!(read.expect("two tasks"), two_tasks);
        let read = serde_json::from_str::<SurrogateLoss>(&text(&artefacts.figure2.json));
        assert_eq!(read.expect("a surrogate loss"), surrogate);
        let table = table(&two_tasks, &surrogate);
        assert!(
            table.lines().all(|line| line.chars().count() <= 80),
            "{table}"
        );
    }
}
