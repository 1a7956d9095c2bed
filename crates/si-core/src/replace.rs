use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What the name of a draft ends with.
pub(crate) const DRAFT: &str = ".draft";

/// Replaces `path` by what `write` writes, atomically. If it fails, the old file is unchanged. When it returns, the new
/// one is safe on the disk.
///
/// The draft is beside `path`. The next call overwrites one that a crash left, so only one writer at a time may write to
/// a path.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let draft = draft_of(path);
    let written = write_draft(&draft, write)
        .and_then(|()| fs::rename(&draft, path))
        .and_then(|()| sync_folder_of(path));
    written.inspect_err(|_| {
        // Nothing can be done if this fails too, and the first error says more.
        let _ = fs::remove_file(&draft);
    })
}

fn draft_of(path: &Path) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_os_string();
    name.push(DRAFT);
    name.into()
}

fn write_draft(
    draft: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut writer = BufWriter::new(File::create(draft)?);
    write(&mut writer)?;
    writer.flush()?;
    writer.get_ref().sync_all()
}

/// Returns when the names in the folder of `path` are safe on the disk too.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // Elsewhere a folder cannot be opened, and the system keeps names by its own rules.
    if cfg!(unix) {
        match File::open(folder)?.sync_all() {
            // Some file systems of a network have no such thing.
            Err(error)
                if [ErrorKind::InvalidInput, ErrorKind::Unsupported].contains(&error.kind()) => {}
            synced => synced?,
        }
    }
    Ok(())
}
