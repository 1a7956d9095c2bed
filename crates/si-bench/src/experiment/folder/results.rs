use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

use super::CONFIG;

/// The files that say what the results in a folder are, and that in words. Each folder has at most one.
const PLANS: [(&str, &str); 4] = [
    (CONFIG, "a run"),
    ("compare.toml", "a comparison of methods"),
    ("frontier.toml", "a study of frontiers"),
    ("repro.toml", "a reproduction of the paper"),
];

/// Refuses a folder that holds results for new ones.
///
/// # Errors
///
/// [`Error::FolderInUse`].
pub fn refuse_results(folder: &Path) -> Result<(), Error> {
    let mut plans = PLANS.into_iter();
    match plans.find(|(file, _)| folder.join(file).exists()) {
        None => Ok(()),
        Some((file, what)) => Err(Error::FolderInUse {
            path: folder.to_path_buf(),
            what,
            file,
        }),
    }
}

/// The run folders directly in `folder`, in the order of their names.
pub(super) fn runs_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut runs: Vec<PathBuf> = paths.filter(|path| path.join(CONFIG).exists()).collect();
    runs.sort();
    runs
}
