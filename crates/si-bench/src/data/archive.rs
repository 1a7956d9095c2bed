use std::io::{self, BufRead, BufReader, Read};

use tar::{Archive, Entry};

use super::{
    flaw::Flaw,
    gzip::{is_packed, unpack},
    official::OfficialFile,
    raw::RawSplits,
};

/// Reads `files` from a gzipped tar archive. They may be in any order and folder.
///
/// Writes nothing to disk, and unpacks at most [`max_size`] bytes.
pub(super) fn decode(
    source: &mut dyn BufRead,
    files: &[OfficialFile],
    num_classes: usize,
) -> Result<RawSplits, Flaw> {
    let names: Vec<&str> = files.iter().map(|file| file.name).collect();
    let content = |found: String| Flaw::Content {
        expected: format!("a gzipped tar archive with {}", names.join(", ")),
        found,
    };
    if !is_packed(source).map_err(Flaw::Io)? {
        return Err(content("a file that is not gzipped".to_string()));
    }
    // The readers of archives and of gzip data report damage as I/O errors.
    let damaged = |error: io::Error| match error.raw_os_error() {
        None => content(format!("damaged data ({error})")),
        Some(_) => Flaw::Io(error),
    };
    unpack(source, |unpacked| {
        let mut unpacked = unpacked.take(max_size(files));
        let mut decoded: Vec<Option<RawSplits>> = files.iter().map(|_| None).collect();
        for entry in Archive::new(&mut unpacked).entries().map_err(damaged)? {
            let entry = entry.map_err(damaged)?;
            let Some(index) = position(&entry, files) else {
                continue;
            };
            let file = &files[index];
            let splits = file
                .decode(&mut BufReader::new(entry), num_classes)
                .map_err(|flaw| flaw.inside(file.name))?;
            if decoded[index].replace(splits).is_some() {
                return Err(content(format!("{} twice", file.name)));
            }
        }
        // Reads to the end, because the checksum is there.
        io::copy(&mut unpacked, &mut io::sink()).map_err(damaged)?;
        if unpacked.limit() == 0 {
            return Err(content(format!("more than {} bytes", max_size(files))));
        }
        let mut all = RawSplits::default();
        for (file, splits) in files.iter().zip(decoded) {
            all.append(splits.ok_or_else(|| content(format!("no {}", file.name)))?);
        }
        Ok(all)
    })
}

/// Size of an unpacked archive of `files` in bytes, or more.
pub(super) fn max_size(files: &[OfficialFile]) -> u64 {
    files.iter().map(OfficialFile::max_size).sum::<u64>() + ACCESSORIES
}

fn position(entry: &Entry<'_, impl Read>, files: &[OfficialFile]) -> Option<usize> {
    if !entry.header().entry_type().is_file() {
        return None;
    }
    let path = entry.path().ok()?;
    let name = path.file_name()?;
    files.iter().position(|file| file.name == name)
}

/// Room for headers and for the archive's other files: class names and a web page.
const ACCESSORIES: u64 = 1 << 20;

#[cfg(test)]
pub(super) mod tests;
