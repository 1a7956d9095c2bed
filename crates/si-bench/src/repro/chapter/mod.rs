mod by_task;
mod computed;
mod strength;
mod study;

use std::path::Path;

use crate::Error;

use super::{Claim, Part, Study};

pub use computed::make;
pub(super) use strength::BUDGETS;
pub(super) use study::SWEEPS;

/// One part of the paper with one budget, with everything that a page shows of it.
pub(super) struct Chapter {
    pub(super) title: String,
    /// Protocol, device and the like, each with its name.
    pub(super) facts: Vec<(String, String)>,
    pub(super) pictures: Vec<Picture>,
    pub(super) tables: Vec<Table>,
    pub(super) claims: Vec<Claim>,
}

/// A figure and its path in the results' folder.
pub(super) struct Picture {
    pub(super) svg: String,
    pub(super) path: String,
    pub(super) caption: String,
}

/// Numbers with a heading for each column, and a caption.
pub(super) struct Table {
    pub(super) caption: String,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// The chapters for the results in a folder, in the order of the paper.
pub(super) fn chapters(folder: &Path) -> Result<Vec<Chapter>, Error> {
    let mut chapters = Vec::new();
    for part in Part::ALL {
        match part {
            Part::Figure1 | Part::Figure2 => chapters.extend(computed::of_schematic(part, folder)?),
            Part::Theory => chapters.extend(computed::of_theory(folder)?),
            Part::Figure3 | Part::Figure4 | Part::Figure5 | Part::Figure6 => {
                let before = chapters.len();
                for study in Study::all() {
                    if study.parts.contains(&part) {
                        chapters.extend(study::of_study(part, &study, folder)?);
                    }
                }
                if part == Part::Figure6 && chapters.len() > before {
                    chapters.push(by_task::of_the_authors());
                }
            }
        }
    }
    for sweep in SWEEPS {
        chapters.extend(study::of_sweep(sweep, folder)?);
    }
    chapters.extend(strength::of_budgets(folder)?);
    Ok(chapters)
}

fn picture(folder: &Path, path: &str, caption: &str) -> Result<Picture, Error> {
    let file = folder.join(path);
    Ok(Picture {
        svg: read(&file)?
            .ok_or_else(|| Error::Records(format!("{} is missing", file.display())))?,
        path: path.to_string(),
        caption: caption.to_string(),
    })
}

/// `None` for a missing file.
fn read(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path)(error)),
    }
}

fn command(line: &str) -> (String, String) {
    ("command".to_string(), line.to_string())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| word.to_string()).collect()
}
