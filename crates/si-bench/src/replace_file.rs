use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Replaces the file `path` by `content`. Creates its folder if missing. If this fails, the old file stays unchanged.
///
/// The draft is written next to `path`. A draft left by a crash is overwritten by the next one, so only one writer may
/// write to a path at a time.
///
/// # Errors
///
/// If the folder cannot be created, or the file cannot be written.
pub fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut draft = OsString::from(path);
    draft.push(".draft");
    replace_by(Path::new(&draft), path, content)
}

/// Like [`replace_file`], with a given draft file in the same folder, which must exist.
pub(crate) fn replace_by(draft: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let write = || {
        let mut file = File::create(draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(draft, path)
    };
    write().inspect_err(|_| {
        // If this also fails, nothing can be done, and the first error is more useful.
        let _ = fs::remove_file(draft);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all_and_no_draft_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("made").join("a.toml");
        replace_file(&path, b"first").expect("written");
        replace_file(&path, b"second").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"second");
        // A folder cannot be renamed to a file.
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).expect("a folder");
        replace_file(&taken, b"third").expect_err("a folder stands there");
        let names = |folder: &Path| {
            let entries = fs::read_dir(folder).expect("a folder");
            let names = entries.map(|entry| entry.expect("an entry").file_name());
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        };
        assert_eq!(names(folder.path()), ["made", "taken"]);
        assert_eq!(names(&folder.path().join("made")), ["a.toml"]);
    }
}
