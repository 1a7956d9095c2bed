use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;
use si_bench::{Error, read_toml, replace_file};

/// Reads the file `name` in `folder`, which says what is done there. `what` is that, for the message if there is none.
pub(crate) fn read<T: DeserializeOwned>(
    folder: &Path,
    name: &str,
    what: &str,
) -> anyhow::Result<T> {
    let path = folder.join(name);
    if !path.exists() {
        return Err(Error::Config(format!(
            "{} is not the folder of a {what}: there is no {name} in it",
            folder.display()
        ))
        .into());
    }
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    read_toml(&text).with_context(|| format!("{} is not a valid plan", path.display()))
}

/// Writes it, or leaves what was there.
pub(crate) fn write<T: Serialize>(folder: &Path, name: &str, plan: &T) -> anyhow::Result<()> {
    let text = toml::to_string_pretty(plan)?;
    Ok(replace_file(&folder.join(name), text.as_bytes())?)
}

/// The newest folder in `root` of which `is_unfinished` is true. `what` is what it holds, for the message if there is none.
pub(crate) fn newest(
    root: &Path,
    what: &str,
    is_unfinished: impl Fn(&Path) -> anyhow::Result<bool>,
) -> anyhow::Result<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    // Stamps sort by time.
    folders.sort();
    for folder in folders.into_iter().rev() {
        if is_unfinished(&folder)? {
            return Ok(folder);
        }
    }
    let message = format!("there is no unfinished {what} in {}", root.display());
    Err(Error::Config(message).into())
}
