use super::*;
use crate::data::{flaw::Flaw, raw::RawImages};

const BINARY: BinaryLayout = BinaryLayout {
    num_images: 3,
    num_label_bytes: 2,
};

#[test]
fn records_are_cut_into_classes_and_pixels() {
    let file = binary_batch(&[[9, 0], [8, 99], [7, 5]]);
    assert_eq!(file.len() as u64, BINARY.size());
    let images = BINARY.decode(&mut &file[..]).expect("whole");
    assert_eq!(images, images_of(&[0, 99, 5]));
}

#[test]
fn binary_files_of_another_length_are_refused() {
    let file = binary_batch(&[[9, 0], [8, 99], [7, 5]]);
    for (file, expected) in [
        (Vec::new(), "found 0 bytes"),
        (file[..1].to_vec(), "found 1 bytes"),
        (file[..7000].to_vec(), "found 7000 bytes"),
        ([&file[..], &[0]].concat(), "found more bytes"),
    ] {
        assert_refused(BINARY.decode(&mut &file[..]), expected);
    }
}

/// Records with these labels. Pixels of image i have the value i.
pub(crate) fn binary_batch<const N: usize>(labels: &[[u8; N]]) -> Vec<u8> {
    let mut file = Vec::with_capacity(labels.len() * (N + NUM_PIXELS));
    for (index, labels) in labels.iter().enumerate() {
        file.extend(labels);
        file.extend([index as u8; NUM_PIXELS]);
    }
    file
}

fn images_of(labels: &[u8]) -> RawImages {
    RawImages {
        pixels: (0..labels.len())
            .flat_map(|index| [index as u8; NUM_PIXELS])
            .collect(),
        labels: labels.to_vec(),
    }
}

fn assert_refused(result: Result<RawImages, Flaw>, expected: &str) {
    match result {
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
