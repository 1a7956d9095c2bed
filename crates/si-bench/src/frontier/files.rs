use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::Error;
use crate::replace_file::replace;
use crate::report::write_picture;

use super::{Frontier, figure, markdown};

/// The files that [`write()`] writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontierFiles {
    /// `frontier.json`. It is written last, so where it is, all are.
    pub json: PathBuf,
    /// `frontier.md`.
    pub markdown: PathBuf,
    /// `frontier.svg`.
    pub svg: PathBuf,
    /// `frontier.png`.
    pub png: PathBuf,
}

impl FrontierFiles {
    /// The name of `json`.
    pub const JSON: &str = "frontier.json";

    /// Of how many configurations the `frontier.json` in `folder` is made. `None` if there is none that can be read.
    pub fn num_configurations(folder: &Path) -> Option<usize> {
        #[derive(Deserialize)]
        struct Reported {
            configurations: Vec<IgnoredAny>,
        }
        let text = fs::read_to_string(folder.join(Self::JSON)).ok()?;
        let reported: Reported = serde_json::from_str(&text).ok()?;
        Some(reported.configurations.len())
    }
}

/// Writes the page, the figure and `frontier.json` into `folder`, which is created if missing. Replaces existing files.
/// Writes each file as a whole or not at all.
///
/// # Errors
///
/// [`Error::Figure`] if the figure cannot be drawn, and [`Error::Io`], which names the file, if one cannot be written.
pub fn write(folder: &Path, frontier: &Frontier) -> Result<FrontierFiles, Error> {
    let figure = write_picture(folder, "frontier", &figure(frontier))?;
    Ok(FrontierFiles {
        svg: figure.svg,
        png: figure.png,
        markdown: replace(folder, "frontier.md", markdown(frontier).as_bytes())?,
        json: replace(folder, FrontierFiles::JSON, frontier.to_json().as_bytes())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontier::testing;

    #[test]
    fn folder_holds_the_page_the_figure_and_the_json() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("made");
        let files = write(&folder, &testing::frontier()).expect("written");
        assert_eq!(write(&folder, &testing::frontier()).expect("again"), files);
        let mut names: Vec<_> = fs::read_dir(&folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "frontier.json",
                "frontier.md",
                "frontier.png",
                "frontier.svg"
            ]
        );
    }
    #[test]
    fn the_json_says_of_how_many_configurations_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        assert_eq!(FrontierFiles::num_configurations(path), None);
        write(path, &testing::frontier()).expect("written");
        let found = FrontierFiles::num_configurations(path);
        assert_eq!(found, Some(testing::NUM_CONFIGURATIONS));
        fs::write(path.join(FrontierFiles::JSON), "{}").expect("written");
        assert_eq!(FrontierFiles::num_configurations(path), None);
    }
}
