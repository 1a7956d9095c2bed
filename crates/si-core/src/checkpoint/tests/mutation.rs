//! Files with many kinds of changes. Each must cause an error or restore the same training.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::format::checksum;
use super::*;

/// A trained state, its file, and the position of the header in the file.
struct Original {
    state: Parts,
    bytes: Vec<u8>,
    header: core::ops::Range<usize>,
}

/// Start of the header's text, after magic, version, length and two checksums.
const HEADER_START: usize = 28;

impl Original {
    fn new() -> Self {
        let training = Training::new(adam()).steps(7);
        let checkpoint = training
            .checkpoint()
            .with_record("further", Line::new().into_record())
            .expect("it can be made");
        let bytes = checkpoint.to_bytes();
        let (length, _) = bytes[16..].split_first_chunk().expect("it has a length");
        let end = HEADER_START + u64::from_le_bytes(*length) as usize;
        Self {
            state: training.parts(),
            bytes,
            header: HEADER_START..end,
        }
    }

    /// Whether the changed file was refused. If it was not, checks that the training is the same.
    fn refuses(&self, bytes: &[u8], change: &str) -> bool {
        let Ok(checkpoint) = Checkpoint::from_bytes(bytes) else {
            return true;
        };
        match Training::restored(&checkpoint, adam()) {
            Err(_) => true,
            Ok(restored) => {
                assert_eq!(restored.parts(), self.state, "{change}");
                false
            }
        }
    }

    /// The file with another header, with the right length and checksum.
    fn with_header(&self, header: &[u8]) -> Vec<u8> {
        let length = (header.len() as u64).to_le_bytes();
        let crc = checksum(&[&length, header]).to_le_bytes();
        let rest = &self.bytes[self.header.end..];
        [&self.bytes[..16], &length, &crc, header, rest].concat()
    }

    fn header(&self) -> Value {
        serde_json::from_slice(&self.bytes[self.header.clone()]).expect("it is JSON")
    }
}

#[test]
fn file_with_a_changed_bit_is_refused() {
    let original = Original::new();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let size = original.bytes.len();
    // Every bit before the sections, and random bits of the sections.
    let fixed = 8 * original.header.end;
    let places = (0..fixed).chain((0..2000).map(|_| rng.random_range(fixed..8 * size)));
    for place in places.collect::<Vec<_>>() {
        let mut bytes = original.bytes.clone();
        bytes[place / 8] ^= 1 << (place % 8);
        assert!(original.refuses(&bytes, "a bit"), "bit {place} was changed");
    }
}

#[test]
fn file_that_is_cut_off_or_grown_is_refused() {
    let original = Original::new();
    let size = original.bytes.len();
    for length in (0..size).filter(|length| *length < 1000 || length % 7 == 0) {
        assert!(
            original.refuses(&original.bytes[..length], "cut off"),
            "{length} bytes"
        );
    }
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..300 {
        let mut bytes = original.bytes.clone();
        let place = rng.random_range(0..=size);
        let inserted: Vec<u8> = (0..rng.random_range(1..40)).map(|_| rng.random()).collect();
        bytes.splice(place..place, inserted);
        assert!(original.refuses(&bytes, "inserted"), "grown at {place}");
    }
}

#[test]
fn file_with_a_range_zeroed_filled_copied_or_left_out_is_refused() {
    let original = Original::new();
    let size = original.bytes.len();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut num_refused = 0;
    for round in 0..800 {
        let start = rng.random_range(0..size);
        let end = (start + rng.random_range(1..600)).min(size);
        let mut bytes = original.bytes.clone();
        match round % 4 {
            0 => bytes[start..end].fill(0),
            1 => bytes[start..end].fill_with(|| rng.random()),
            2 => {
                let to = rng.random_range(0..=size - (end - start));
                bytes.copy_within(start..end, to);
            }
            _ => drop(bytes.drain(start..end)),
        }
        let is_changed = bytes != original.bytes;
        let is_refused = original.refuses(&bytes, "a range");
        assert_eq!(is_refused, is_changed, "{start} to {end} in round {round}");
        num_refused += usize::from(is_refused);
    }
    // Padding is zero already, so a few changes have no effect.
    assert!(num_refused > 600, "{num_refused}");
}

#[test]
fn file_with_swapped_sections_is_refused() {
    let original = Original::new();
    let header = original.header();
    let sections = header["sections"].as_array().expect("sections");
    let mut start = original.header.end;
    let parts: Vec<&[u8]> = sections
        .iter()
        .map(|section| {
            let length = section["length"].as_u64().expect("a length") as usize;
            start += length;
            &original.bytes[start - length..start]
        })
        .collect();
    for one in 0..parts.len() {
        for other in 0..one {
            let mut swapped = parts.clone();
            swapped.swap(one, other);
            let beginning = &original.bytes[..original.header.end];
            let bytes = [&[beginning], &swapped[..]].concat().concat();
            assert!(original.refuses(&bytes, "swapped bytes"));
            // The header is changed too, so that each name belongs to the other's bytes.
            let mut edited = header.clone();
            for (place, from) in [(one, other), (other, one)] {
                let name = sections[from]["name"].clone();
                edited["sections"][place]["name"] = name;
            }
            let header = serde_json::to_vec(&edited).expect("JSON");
            let bytes = original.with_header(&header);
            assert!(original.refuses(&bytes, "swapped names"));
            // Even with new checksums.
            for (place, bytes) in parts.iter().enumerate() {
                let entry = &mut edited["sections"][place];
                let name = entry["name"].as_str().expect("a name");
                entry["crc32"] = json!(format::section_checksum(name, bytes));
            }
            let header = serde_json::to_vec(&edited).expect("JSON");
            let checkpoint = Checkpoint::from_bytes(&original.with_header(&header));
            let checkpoint = checkpoint.expect("every checksum is right");
            assert!(Training::restored(&checkpoint, adam()).is_err(), "{edited}");
        }
    }
}

#[test]
fn wrong_header_with_a_right_checksum_gives_an_error_or_the_same_training() {
    let original = Original::new();
    let header = original.header();
    let huge = [
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(u32::MAX),
        json!(u64::MAX),
        json!(u64::MAX / 2),
        json!(i64::MAX),
        json!(null),
        json!("8"),
        json!([]),
    ];
    let mut num_tried = 0;
    let mut try_edit = |edited: &Value, must_be_refused: bool| {
        let bytes = original.with_header(&serde_json::to_vec(edited).expect("JSON"));
        let is_refused = original.refuses(&bytes, &edited.to_string());
        assert!(is_refused || !must_be_refused, "{edited}");
        num_tried += 1;
    };
    let num_sections = header["sections"].as_array().map_or(0, Vec::len);
    for value in &huge {
        for section in 0..num_sections {
            for key in ["length", "crc32", "name"] {
                let mut edited = header.clone();
                if edited["sections"][section][key] == *value {
                    continue;
                }
                edited["sections"][section][key] = value.clone();
                try_edit(&edited, true);
            }
        }
        for key in ["strength", "of_another_version"] {
            let mut edited = header.clone();
            edited["about"]["settings"][key] = value.clone();
            // Different settings only cause a warning, because the learner keeps its own.
            try_edit(&edited, false);
        }
        for key in ["si_core", "burn", "settings", "task"] {
            let mut edited = header.clone();
            edited["about"][key] = value.clone();
            let is_other = key == "settings" || key == "task" && *value != json!(1);
            try_edit(&edited, is_other);
        }
    }
    // Lengths that add up, and sections that overlap.
    for section in 0..num_sections {
        for other in (0..num_sections).filter(|other| *other != section) {
            for moved in [1_u64, 8, 256, 1 << 40] {
                let mut edited = header.clone();
                let length = |at: usize| header["sections"][at]["length"].as_u64().unwrap_or(0);
                edited["sections"][section]["length"] = json!(length(section).wrapping_add(moved));
                edited["sections"][other]["length"] = json!(length(other).wrapping_sub(moved));
                try_edit(&edited, true);
            }
            let mut edited = header.clone();
            edited["sections"][other] = header["sections"][section].clone();
            try_edit(&edited, true);
        }
        let mut edited = header.clone();
        let sections = edited["sections"].as_array_mut().expect("sections");
        sections.remove(section);
        try_edit(&edited, true);
    }
    let mut edited = header.clone();
    edited["about"]["comment"] = json!("more than is known");
    try_edit(&edited, true);
    for text in [&b""[..], b"{}", b"null", b"[[[[[[", b"\xff\xfe"] {
        assert!(original.refuses(&original.with_header(text), "no header"));
    }
    assert!(num_tried > 250, "{num_tried}");
}

#[test]
fn huge_length_with_a_right_checksum_allocates_nothing() {
    let original = Original::new();
    for length in [u64::MAX, u64::MAX - 27, 1 << 62, 1 << 40, 1 << 33] {
        let mut bytes = original.bytes.clone();
        bytes[16..24].copy_from_slice(&length.to_le_bytes());
        let crc = checksum(&[&length.to_le_bytes(), &bytes[HEADER_START..]]);
        bytes[24..28].copy_from_slice(&crc.to_le_bytes());
        let error = Checkpoint::from_bytes(&bytes).expect_err("there is no so long a header");
        assert!(
            error.to_string().contains("damaged in its header"),
            "{error}"
        );
    }
}
