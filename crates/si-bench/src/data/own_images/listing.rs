use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::Error;

use super::unusable;

/// A file or folder in a folder.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

impl Entry {
    /// Whether its name ends in `ending`, in lower or upper case.
    pub(super) fn ends_in(&self, ending: &str) -> bool {
        self.name.to_ascii_lowercase().ends_with(ending)
    }
}

/// What is in `folder`, sorted by name. Names that begin with a dot are left out.
pub(super) fn entries(folder: &Path) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let path = entry.map_err(Error::io("read", folder))?.path();
        let name = path.file_name().unwrap_or_default();
        let name = name
            .to_str()
            .ok_or_else(|| unusable(&path, "its name is not in UTF-8"))?
            .to_string();
        if !name.starts_with('.') {
            entries.push(Entry { name, path });
        }
    }
    entries.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(entries)
}
