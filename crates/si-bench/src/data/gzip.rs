use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::flaw::Flaw;

/// Whether gzip data comes next in `source`.
pub(super) fn is_packed(source: &mut dyn BufRead) -> io::Result<bool> {
    Ok(source.fill_buf()?.starts_with(&MAGIC))
}

/// Unpacks the gzip data in `source` for `decode`, which reads all of it.
///
/// The gzip decoder checks the checksum only when it is read beyond the last byte.
pub(super) fn unpack<T>(
    source: &mut dyn BufRead,
    decode: impl FnOnce(&mut dyn Read) -> Result<T, Flaw>,
) -> Result<T, Flaw> {
    let mut decoder = GzDecoder::new(source);
    let decoded = decode(&mut decoder)?;
    let rest = decoder.into_inner().fill_buf().map_err(Flaw::Io)?;
    if !rest.is_empty() {
        return Err(Flaw::Content {
            expected: "one gzip member".to_string(),
            found: "more bytes after it".to_string(),
        });
    }
    Ok(decoded)
}

/// The next `limit` bytes, or fewer if the source ends. Allocates `limit` bytes at once, but not
/// more than 64 MiB before it has read them.
pub(super) fn read_up_to(source: &mut (impl Read + ?Sized), limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(limit.min(MAX_AT_ONCE));
    source.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The largest file of a data set has 47 MB; a header in a user's file may claim any length.
const MAX_AT_ONCE: usize = 64 << 20;
const MAGIC: [u8; 2] = [0x1f, 0x8b];
