//! The bytes of a checkpoint. Numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | magic |
//! | 4 | format version |
//! | 4 | CRC32 of the two above; these three are the same in every version |
//! | 8 | length of the header |
//! | 4 | CRC32 of that length and of the header |
//! | … | the header, JSON: the [`CheckpointHeader`], and name, length and CRC32 of each section |
//! | … | the sections, one after the other in the header's order, up to the end of the file |
//!
//! A section's CRC32 covers its name, a zero byte and its bytes, so that no section is taken for another.

use std::collections::HashSet;
use std::io::{self, ErrorKind, Read, Write};

use burn::tensor::Bytes;
use crc32fast::Hasher;
use serde::{Deserialize, Serialize};

use super::{CheckpointError, CheckpointHeader, CheckpointSource};
use crate::pack::Pack;

pub(super) const MAGIC: [u8; 8] = *b"\x89SYNCKP\n";
pub(super) const FORMAT_VERSION: u32 = 2;

pub(super) const PROGRESS: &str = "progress";
pub(crate) const LEARNER: &str = "learner";
pub(crate) const OPTIMIZER: &str = "optimizer";
/// The sections of every checkpoint.
const REQUIRED: [&str; 3] = [PROGRESS, LEARNER, OPTIMIZER];

/// Magic, version and their checksum.
const PREAMBLE_SIZE: usize = 16;
/// The header's length and checksum.
const LENGTH_SIZE: usize = 12;

/// The content of a checkpoint file.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) header: CheckpointHeader,
    pub(super) sections: Vec<Section>,
}

/// One named part. Its bytes are shared, so a clone is cheap.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) bytes: Bytes,
}

/// The header as JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    about: CheckpointHeader,
    sections: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    length: u64,
    crc32: u32,
}

impl Stored {
    pub(super) fn write(&self, writer: &mut impl Write) -> io::Result<()> {
        let entry = |section: &Section| Entry {
            name: section.name.clone(),
            length: section.bytes.len() as u64,
            crc32: section_checksum(&section.name, &section.bytes),
        };
        let index = Index {
            about: self.header.clone(),
            sections: self.sections.iter().map(entry).collect(),
        };
        let header = serde_json::to_vec(&index)?;
        let length = (header.len() as u64).to_le_bytes();
        let version = FORMAT_VERSION.to_le_bytes();
        writer.write_all(&MAGIC)?;
        writer.write_all(&version)?;
        writer.write_all(&checksum(&[&MAGIC, &version]).to_le_bytes())?;
        writer.write_all(&length)?;
        writer.write_all(&checksum(&[&length, &header]).to_le_bytes())?;
        writer.write_all(&header)?;
        for section in &self.sections {
            writer.write_all(&section.bytes)?;
        }
        Ok(())
    }

    /// Reads a checkpoint of `size` bytes. Returns nothing before everything is checked. Allocates no more than
    /// `size` and what parsing its JSON needs.
    pub(super) fn read(
        reader: &mut impl Read,
        size: u64,
        origin: &CheckpointSource,
    ) -> Result<Self, CheckpointError> {
        let mut parts = Parts {
            reader,
            left: size,
            origin,
        };
        let preamble = parts.take(size.min(PREAMBLE_SIZE as u64), BEGINNING)?;
        check_preamble(&preamble, origin)?;

        let numbers = parts.take(LENGTH_SIZE as u64, HEADER)?;
        let (length, expected) = numbers.split_at(8);
        let header = parts.take(number(length), HEADER)?;
        if checksum(&[length, &header]) != number(expected) as u32 {
            return Err(CheckpointError::damaged(origin, HEADER, WRONG_CHECKSUM));
        }
        let index: Index = serde_json::from_slice(&header)
            .map_err(|error| CheckpointError::damaged(origin, HEADER, error.to_string()))?;
        index.check(parts.left, origin)?;

        let mut sections = Vec::new();
        for Entry {
            name,
            length,
            crc32,
        } in index.sections
        {
            let bytes = parts.take(length, &format!("section {name}"))?;
            if section_checksum(&name, &bytes) != crc32 {
                let part = format!("section {name}");
                return Err(CheckpointError::damaged(origin, &part, WRONG_CHECKSUM));
            }
            let bytes = Bytes::from_bytes_vec(bytes).shared();
            sections.push(Section { name, bytes });
        }
        Ok(Self {
            header: index.about,
            sections,
        })
    }
}

const BEGINNING: &str = "beginning";
const HEADER: &str = "header";
const END: &str = "end";
const WRONG_CHECKSUM: &str = "its checksum does not match";

impl Index {
    /// Checks that the sections are those of a checkpoint and fill the `left` bytes after the header.
    fn check(&self, left: u64, origin: &CheckpointSource) -> Result<(), CheckpointError> {
        let damaged = |part: &str, reason: String| {
            let part = part.to_string();
            Err(CheckpointError::damaged(origin, &part, reason))
        };
        let mut names = HashSet::new();
        if let Some(twice) = self.sections.iter().find(|it| !names.insert(&*it.name)) {
            return damaged(HEADER, format!("it names section {} twice", twice.name));
        }
        if let Some(missing) = REQUIRED.iter().find(|name| !names.contains(*name)) {
            return damaged(HEADER, format!("it does not name section {missing}"));
        }
        let mut end = 0_u64;
        for section in &self.sections {
            end = end.saturating_add(section.length);
            if end > left {
                let reason =
                    format!("it is cut off, at byte {left} of at least {end} after the header");
                return damaged(&format!("section {}", section.name), reason);
            }
        }
        if end == left {
            Ok(())
        } else {
            damaged(
                END,
                format!("extra bytes after the last section: {}", left - end),
            )
        }
    }
}

/// The part of a checkpoint that is still to be read.
struct Parts<'a, R> {
    reader: &'a mut R,
    left: u64,
    origin: &'a CheckpointSource,
}

impl<R: Read> Parts<'_, R> {
    /// The next `length` bytes, which belong to `part`.
    fn take(&mut self, length: u64, part: &str) -> Result<Vec<u8>, CheckpointError> {
        let cut_off = |left: u64| {
            let reason = format!("it is cut off, at byte {left} of {length}");
            CheckpointError::damaged(self.origin, part, reason)
        };
        let size = usize::try_from(length)
            .ok()
            .filter(|_| length <= self.left)
            .ok_or_else(|| cut_off(self.left))?;
        let mut bytes = vec![0; size];
        match self.reader.read_exact(&mut bytes) {
            Ok(()) => {
                self.left -= length;
                Ok(bytes)
            }
            // The file has become shorter since its size was read.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(cut_off(0)),
            Err(error) => Err(match self.origin {
                CheckpointSource::File(path) => CheckpointError::io("read", path)(error),
                CheckpointSource::Memory => {
                    CheckpointError::damaged(self.origin, part, error.to_string())
                }
            }),
        }
    }
}

/// Checks that the file is a checkpoint, is undamaged, and has this version's format.
fn check_preamble(preamble: &[u8], origin: &CheckpointSource) -> Result<(), CheckpointError> {
    let damaged = |reason: &str| Err(CheckpointError::damaged(origin, BEGINNING, reason));
    if preamble.len() < PREAMBLE_SIZE && MAGIC.starts_with(&preamble[..preamble.len().min(8)]) {
        return damaged(&format!(
            "it is cut off, at byte {} of {PREAMBLE_SIZE}",
            preamble.len()
        ));
    }
    // A crash leaves zeros if the file's length was written before its bytes.
    if preamble.iter().all(|byte| *byte == 0) {
        return damaged("it contains only zeros");
    }
    let (magic, rest) = preamble.split_at(preamble.len().min(MAGIC.len()));
    let (version, expected) = rest.split_at(rest.len().min(4));
    let is_checked = expected.len() == 4 && checksum(&[&MAGIC, version]) == number(expected) as u32;
    match (magic == MAGIC, is_checked) {
        (true, true) => {}
        (true, false) | (false, true) => return damaged(WRONG_CHECKSUM),
        (false, false) => {
            let reason = if Pack::begins(preamble) {
                "it is a Burn record, which a module's `try_load_file` may read"
            } else {
                "it begins with other bytes"
            };
            return Err(CheckpointError::Foreign {
                origin: origin.clone(),
                reason: reason.to_string(),
            });
        }
    }
    match number(version) as u32 {
        FORMAT_VERSION => Ok(()),
        0 => damaged("there is no format 0"),
        found => Err(CheckpointError::OtherFormat {
            origin: origin.clone(),
            found,
            known: FORMAT_VERSION,
        }),
    }
}

pub(super) fn section_checksum(name: &str, bytes: &[u8]) -> u32 {
    checksum(&[name.as_bytes(), &[0], bytes])
}

pub(super) fn checksum(parts: &[&[u8]]) -> u32 {
    let mut hasher = Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// The little-endian number in up to 8 bytes.
fn number(bytes: &[u8]) -> u64 {
    let digits = bytes.iter().rev();
    digits.fold(0, |number, byte| number << 8 | u64::from(*byte))
}
