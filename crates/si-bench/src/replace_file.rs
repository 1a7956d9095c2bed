use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Puts `content` in the place of `path`, in a folder that is made if it is not there: whole, or else what
/// was there before is there still.
///
/// The draft lies beside `path`. One that a crash left is written over by the next, so there must be one
/// writer at a time to a path.
///
/// # Errors
///
/// If the folder cannot be made, or the file not be written.
pub fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut draft = OsString::from(path);
    draft.push(".draft");
    replace_by(Path::new(&draft), path, content)
}

/// The same by a draft of any name in the folder, which is there.
pub(crate) fn replace_by(draft: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let write = || {
        let mut file = File::create(draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(draft, path)
    };
    write().inspect_err(|_| {
        // Nothing can be done if this fails too, and the first error says more.
        let _ = fs::remove_file(draft);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_should_be_whole_or_what_it_was_and_no_draft_be_left() {
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
