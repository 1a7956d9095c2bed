use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use crate::Error;

use super::super::RunRecord;

/// Reads every complete line. A missing file has none.
pub(super) fn read(path: &Path) -> Result<Vec<RunRecord>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    let mut records = Vec::new();
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        match serde_json::from_slice(line) {
            Ok(record) => records.push(record),
            Err(_) if !line.ends_with(b"\n") => break,
            Err(error) => {
                return Err(Error::Record {
                    path: path.to_path_buf(),
                    line: index + 1,
                    reason: error.to_string(),
                });
            }
        }
    }
    Ok(records)
}

/// Adds one line in one write, after repairing an incomplete last line.
pub(super) fn append(path: &Path, record: &RunRecord) -> Result<(), Error> {
    let mut line = serde_json::to_vec(record)
        .map_err(std::io::Error::from)
        .map_err(Error::io("write", path))?;
    line.push(b'\n');
    let write = || {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        repair(&mut file)?;
        file.write_all(&line)?;
        file.sync_all()
    };
    write().map_err(Error::io("write", path))
}

/// Ends the last line if a crash took only its line feed, and removes it if it took more.
fn repair(file: &mut File) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let torn = &bytes[whole..];
    if torn.is_empty() {
        Ok(())
    } else if serde_json::from_slice::<RunRecord>(torn).is_ok() {
        file.write_all(b"\n")
    } else {
        file.set_len(whole as u64)
    }
}
