use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::Error;

use super::super::{Condition, RunRecord, Shard};

/// The records of a program that does all runs.
pub(super) const RECORDS: &str = "runs.jsonl";

/// The file that a shard writes. Appending from several machines to one file is not safe on network file systems, so each
/// shard has its own.
pub(super) fn name(shard: Option<Shard>) -> String {
    match shard {
        None => RECORDS.to_string(),
        Some(shard) => format!("runs.{}-of-{}.jsonl", shard.index(), shard.count()),
    }
}

/// All files with records in `folder`: that of the program that does all runs, then those of the shards.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        if let Some(shard) = entry.file_name().to_str().and_then(writer) {
            found.push((shard, entry.path()));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The writer of the file with this name: a shard, or `None` for the program that does all runs. The outer `None` is for
/// other files.
fn writer(file: &str) -> Option<Option<Shard>> {
    if file == RECORDS {
        return Some(None);
    }
    let words = file.strip_prefix("runs.")?.strip_suffix(".jsonl")?;
    let (index, count) = words.split_once("-of-")?;
    let shard = Shard::new(index.parse().ok()?, count.parse().ok()?).ok()?;
    Some(Some(shard))
}

/// The runs in all `files`, each once. A condition has the values that it has in `wanted`.
///
/// # Errors
///
/// [`Error::Record`] for a line that is damaged or no run in `wanted`, and [`Error::RunsDiffer`] if a run is there twice with
/// different results.
pub(super) fn union(
    files: &[PathBuf],
    wanted: &[(Condition, u64)],
) -> Result<Vec<RunRecord>, Error> {
    let mut records: Vec<RunRecord> = Vec::new();
    let mut places: Vec<(&Path, usize)> = Vec::new();
    for file in files {
        for (index, record) in read(file)?.into_iter().enumerate() {
            let line = index + 1;
            let run = wanted
                .iter()
                .find(|(condition, seed)| is_run(&record, condition, *seed));
            let Some((condition, seed)) = run else {
                return Err(Error::Record {
                    path: file.clone(),
                    line,
                    reason: format!(
                        "condition {:?} with seed {} is not a run of config.toml",
                        record.condition.name, record.seed
                    ),
                });
            };
            let record = RunRecord {
                condition: condition.clone(),
                ..record
            };
            let earlier = records
                .iter()
                .position(|earlier| is_run(earlier, condition, *seed));
            match earlier {
                None => {
                    records.push(record);
                    places.push((file, line));
                }
                Some(earlier) if records[earlier].is_repetition_of(&record) => {
                    let kept = &mut records[earlier];
                    kept.cost = kept.cost.or(record.cost);
                }
                Some(earlier) => {
                    let (path, earlier_line) = places[earlier];
                    return Err(Error::RunsDiffer {
                        condition: condition.name.clone(),
                        seed: *seed,
                        first: (path.to_path_buf(), earlier_line),
                        second: (file.clone(), line),
                    });
                }
            }
        }
    }
    Ok(records)
}

/// Whether `record` is the run of `condition` at `seed`.
pub(super) fn is_run(record: &RunRecord, condition: &Condition, seed: u64) -> bool {
    record.seed == seed && record.condition.is_reading_of(condition)
}

/// Reads every complete line. A missing file has none.
fn read(path: &Path) -> Result<Vec<RunRecord>, Error> {
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

/// Adds a line for each record, all in one write, after repairing an incomplete last line.
pub(super) fn append(path: &Path, records: &[RunRecord]) -> Result<(), Error> {
    let mut lines = Vec::new();
    for record in records {
        serde_json::to_writer(&mut lines, record)
            .map_err(std::io::Error::from)
            .map_err(Error::io("write", path))?;
        lines.push(b'\n');
    }
    let write = || {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        repair(&mut file)?;
        file.write_all(&lines)?;
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
