use std::io::{BufRead, Read};

use super::{
    flaw::Flaw,
    gzip::{is_packed, read_up_to, unpack},
};

/// Reads an IDX file of unsigned bytes, plain or gzipped. Its lengths must be `dimensions`.
///
/// Returns the elements without the header; the last dimension runs fastest. Never uses more memory
/// than the expected elements need, whatever the file says.
pub(super) fn decode(source: &mut dyn BufRead, dimensions: &[usize]) -> Result<Vec<u8>, Flaw> {
    let expected = format!("an idx file of {} unsigned bytes", lengths(dimensions));
    let (_, elements) = decode_as(source, &expected, dimensions.len(), Some(dimensions))?;
    Ok(elements)
}

/// Reads an IDX file of unsigned bytes, plain or gzipped, with that many dimensions of any lengths.
///
/// Returns the lengths, and the elements as in [`decode`]. Uses little more memory than the elements
/// that are really in the file need, whatever its header says.
pub(super) fn decode_any(
    source: &mut dyn BufRead,
    num_dimensions: usize,
) -> Result<(Vec<usize>, Vec<u8>), Flaw> {
    let expected = format!("an idx file of unsigned bytes with {num_dimensions} dimension(s)");
    decode_as(source, &expected, num_dimensions, None)
}

/// Size of an uncompressed IDX file in bytes: the header and a byte per element.
pub(super) fn size(dimensions: &[usize]) -> u64 {
    let header = 4 + 4 * dimensions.len();
    (header + dimensions.iter().product::<usize>()) as u64
}

/// Lengths and elements of a file that is `expected`. If `dimensions` are given, they must be its
/// lengths.
fn decode_as(
    source: &mut dyn BufRead,
    expected: &str,
    num_dimensions: usize,
    dimensions: Option<&[usize]>,
) -> Result<(Vec<usize>, Vec<u8>), Flaw> {
    if is_packed(source).map_err(Flaw::Io)? {
        unpack(source, |content| {
            decode_plain(content, expected, num_dimensions, dimensions)
        })
    } else {
        decode_plain(source, expected, num_dimensions, dimensions)
    }
}

fn decode_plain<R: Read + ?Sized>(
    source: &mut R,
    expected: &str,
    num_dimensions: usize,
    dimensions: Option<&[usize]>,
) -> Result<(Vec<usize>, Vec<u8>), Flaw> {
    let content = |found: String| Flaw::Content {
        expected: expected.to_string(),
        found,
    };
    let failed = |error| Flaw::of_reading(error, expected);

    let magic = read_up_to(source, 4).map_err(failed)?;
    let [0, 0, UNSIGNED_BYTE, found_dimensions] = magic[..] else {
        return Err(content(format!("a file that begins with {magic:02x?}")));
    };
    if usize::from(found_dimensions) != num_dimensions {
        return Err(content(format!("{found_dimensions} dimensions")));
    }
    let header = read_up_to(source, 4 * num_dimensions).map_err(failed)?;
    let (words, rest) = header.as_chunks::<4>();
    let found: Vec<usize> = words
        .iter()
        .map(|word| u32::from_be_bytes(*word) as usize)
        .collect();
    if !rest.is_empty() || found.len() != num_dimensions {
        return Err(content("a header that is cut off".to_string()));
    }
    if dimensions.is_some_and(|dimensions| found != dimensions) {
        return Err(content(lengths(&found)));
    }

    let num_elements = found
        .iter()
        .try_fold(1_usize, |product, length| product.checked_mul(*length));
    let Some(num_elements) = num_elements else {
        return Err(content(lengths(&found)));
    };
    let elements = read_up_to(source, num_elements).map_err(failed)?;
    if elements.len() < num_elements {
        return Err(content(format!(
            "{} of {num_elements} bytes after the header",
            elements.len()
        )));
    }
    if !read_up_to(source, 1).map_err(failed)?.is_empty() {
        return Err(content(format!("more than {num_elements} bytes")));
    }
    Ok((found, elements))
}

fn lengths(dimensions: &[usize]) -> String {
    let lengths: Vec<String> = dimensions.iter().map(usize::to_string).collect();
    lengths.join(" × ")
}

/// The IDX format's code for elements of one unsigned byte.
const UNSIGNED_BYTE: u8 = 0x08;

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    const DIMENSIONS: [usize; 3] = [5, 3, 2];

    #[test]
    fn plain_and_packed_files_yield_the_same_elements() {
        let plain = encode(&DIMENSIONS, &elements());
        for file in [pack(&plain), plain] {
            assert_eq!(
                decode(&mut &file[..], &DIMENSIONS).expect("whole"),
                elements()
            );
        }
    }

    #[test]
    fn any_lengths_are_read_if_none_are_given() {
        let plain = encode(&DIMENSIONS, &elements());
        let (lengths, found) = decode_any(&mut &plain[..], 3).expect("whole");
        assert_eq!((&lengths[..], found), (&DIMENSIONS[..], elements()));
        assert!(decode_any(&mut &plain[..], 1).is_err());
    }

    #[test]
    fn every_flaw_of_a_file_is_named() {
        let plain = encode(&DIMENSIONS, &elements());
        let packed = pack(&plain);
        let with = |index: usize, value: u8| {
            let mut file = plain.clone();
            file[index] = value;
            file
        };
        let mut wrong_sum = packed.clone();
        let sum = wrong_sum.len() - 8;
        wrong_sum[sum] ^= 1;
        let cases = [
            (Vec::new(), "begins with []"),
            (b"<!DOCTYPE html>".to_vec(), "begins with [3c, 21, 44, 4f]"),
            (with(2, 0x0d), "begins with [00, 00, 0d, 03]"),
            (with(3, 1), "1 dimensions"),
            (with(7, 4), "found 4 × 3 × 2"),
            (with(4, 0xff), "found 4278190085 × 3 × 2"),
            (plain[..10].to_vec(), "a header that is cut off"),
            (plain[..plain.len() - 1].to_vec(), "29 of 30 bytes"),
            ([&plain[..], &[0]].concat(), "more than 30 bytes"),
            (packed[..packed.len() - 1].to_vec(), "damaged gzip data"),
            (packed[..5].to_vec(), "damaged gzip data"),
            (wrong_sum, "damaged gzip data"),
            ([&packed[..], &[0]].concat(), "more bytes after it"),
            (pack(&[&plain[..], &[0]].concat()), "more than 30 bytes"),
            (pack(&plain[..20]), "4 of 30 bytes"),
        ];
        for (file, expected) in cases {
            match decode(&mut &file[..], &DIMENSIONS) {
                Err(Flaw::Content {
                    expected: wanted,
                    found,
                }) => {
                    let text = format!("expected {wanted}, found {found}");
                    assert!(text.contains(expected), "{text:?} lacks {expected:?}");
                }
                other => panic!("{expected}: {other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(elements) = decode(&mut &bytes[..], &DIMENSIONS) {
                prop_assert_eq!(elements.len(), 30);
            }
        }

        #[test]
        fn a_mutated_file_is_never_read_in_another_shape(
            packed in any::<bool>(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            length in any::<prop::sample::Index>(),
            cut in any::<bool>(),
        ) {
            let plain = encode(&DIMENSIONS, &elements());
            let mut file = if packed { pack(&plain) } else { plain };
            for (index, value) in changes {
                let index = index.index(file.len());
                file[index] = value;
            }
            if cut {
                file.truncate(length.index(file.len()));
            }
            if let Ok(found) = decode(&mut &file[..], &DIMENSIONS) {
                prop_assert_eq!(found.len(), 30);
                if packed {
                    prop_assert_eq!(found, elements());
                }
            }
        }
    }

    /// A plain IDX file of unsigned bytes.
    pub(crate) fn encode(dimensions: &[usize], elements: &[u8]) -> Vec<u8> {
        let mut file = vec![0, 0, UNSIGNED_BYTE, dimensions.len() as u8];
        for length in dimensions {
            file.extend((*length as u32).to_be_bytes());
        }
        file.extend(elements);
        file
    }

    pub(crate) fn pack(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).expect("a vector takes all");
        encoder.finish().expect("a vector takes all")
    }

    fn elements() -> Vec<u8> {
        (0..30).collect()
    }
}
