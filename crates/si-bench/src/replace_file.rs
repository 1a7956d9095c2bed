use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Error;

/// Replaces the file `path` by `content`. Creates its folder if missing. If this fails, the old file stays unchanged.
///
/// The draft is written next to `path`. A draft left by a crash is overwritten by the next one, so only one writer may
/// write to a path at a time.
///
/// # Errors
///
/// [`Error::Io`], which names the folder or the file, if the folder cannot be created, or the file cannot be written.
pub fn replace_file(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut draft = OsString::from(path);
    draft.push(".draft");
    replace_by(Path::new(&draft), path, content)
}

/// Like [`replace_file`], for the file `name` in `folder`, to which several programs may write at the same time. Returns
/// its path.
pub(crate) fn replace(folder: &Path, name: &str, content: &[u8]) -> Result<PathBuf, Error> {
    let path = folder.join(name);
    // Unique to this process, so that two programs do not share a draft. On several machines, their numbers may be equal.
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_nanos());
    let draft = folder.join(format!(".{name}.{}.{now}", std::process::id()));
    replace_by(&draft, &path, content)?;
    Ok(path)
}

/// Like [`replace_file`], with a given draft file in the same folder.
fn replace_by(draft: &Path, path: &Path, content: &[u8]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    let write = || {
        let mut file = File::create(draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(draft, path)
    };
    write().map_err(|error| {
        // If this also fails, nothing can be done, and the first error is more useful.
        let _ = fs::remove_file(draft);
        Error::io("write", path)(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let entries = fs::read_dir(folder).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all_and_no_draft_is_left() {
        let replace_in = |folder: &Path, name: &str, content: &[u8]| {
            replace(folder, name, content).map(|path| assert_eq!(path, folder.join(name)))
        };
        let replace_alone =
            |folder: &Path, name: &str, content: &[u8]| replace_file(&folder.join(name), content);
        for replace in [replace_in, replace_alone] {
            let parent = tempfile::tempdir().expect("a folder");
            let folder = parent.path().join("made");
            replace(&folder, "a.toml", b"first").expect("written");
            replace(&folder, "a.toml", b"second").expect("written");
            assert_eq!(fs::read(folder.join("a.toml")).expect("read"), b"second");
            // A folder cannot be renamed to a file.
            fs::create_dir(folder.join("taken")).expect("a folder");
            let error = replace(&folder, "taken", b"third").expect_err("a folder stands there");
            let expected = format!("cannot write {}", folder.join("taken").display());
            assert_eq!(error.to_string(), expected);
            assert_eq!(names(&folder), ["a.toml", "taken"]);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_in_the_error() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let folder = file.path().join("inside");
        let error = replace_file(&folder.join("a.toml"), b"").expect_err("no folder");
        assert_eq!(
            error.to_string(),
            format!("cannot create {}", folder.display())
        );
    }
}
