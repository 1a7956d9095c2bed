use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::replace_file::replace;

use super::{Series, csv, event_file, json_lines};

/// The format in which series are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesFormat {
    /// A table, `metrics.csv`: see [`csv()`].
    Csv,
    /// An object on each line, `metrics.jsonl`: see [`json_lines()`].
    JsonLines,
    /// A folder with an event file for each run, such as `si-seed0`: see [`event_file()`].
    TensorBoard,
}

/// Writes series into `folder`, which is created if missing, and returns the files. Replaces existing files. Writes
/// each file as a whole or not at all.
///
/// # Errors
///
/// [`Error::Io`], which names the file, if one cannot be written.
pub fn write_series(
    folder: &Path,
    format: SeriesFormat,
    series: &[Series],
) -> Result<Vec<PathBuf>, Error> {
    match format {
        SeriesFormat::Csv => {
            let file = replace(folder, "metrics.csv", csv(series).as_bytes())?;
            Ok(vec![file])
        }
        SeriesFormat::JsonLines => {
            let file = replace(folder, "metrics.jsonl", json_lines(series).as_bytes())?;
            Ok(vec![file])
        }
        SeriesFormat::TensorBoard => folders(series)
            .into_iter()
            .zip(series)
            .map(|(name, series)| replace(&folder.join(name), EVENTS, &event_file(series)))
            .collect(),
    }
}

/// TensorBoard recognises its files by "tfevents", and reads the number as their creation time.
const EVENTS: &str = "events.out.tfevents.0000000000.si";

/// A separate folder for each series.
fn folders(series: &[Series]) -> Vec<PathBuf> {
    let mut taken = HashSet::new();
    let mut folder = |series: &Series| {
        let name = format!("{}-seed{}", portable(&series.condition), series.seed);
        let folder = Path::new(&portable(&series.run)).join(name);
        let mut free = folder.clone();
        let mut count = 1;
        while !taken.insert(free.clone()) {
            count += 1;
            free.clone_from(&folder);
            free.as_mut_os_string().push(format!("-{count}"));
        }
        free
    };
    series.iter().map(&mut folder).collect()
}

/// Names contain spaces and symbols that some systems do not allow in a path. A name of only dots would mean another
/// folder.
fn portable(name: &str) -> String {
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
    if name.chars().all(|c| c == '.') {
        name.replace('.', "-")
    } else {
        name
    }
}
