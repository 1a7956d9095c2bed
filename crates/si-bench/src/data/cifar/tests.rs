use super::*;
use crate::data::{flaw::Flaw, raw::RawImages};

const BINARY: BinaryLayout = BinaryLayout {
    num_images: 3,
    num_label_bytes: 2,
};
const PYTHON: PythonLayout = PythonLayout {
    num_images: 3,
    label_key: "fine_labels",
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

#[test]
fn pickles_of_python_2_and_3_hold_the_same_images() {
    let python_3 = [
        b"\x80\x02}q\x00(X\x0b\x00\x00\x00fine_labelsq\x01]q\x02(K\x00K\x63K\x05eX\x04\x00\x00\x00dataq\x03",
        &array_of_python_3(&images_of(&[0, 99, 5]).pixels)[..],
        b"u.",
    ]
    .concat();
    for file in [python_batch("fine_labels", &[0, 99, 5]), python_3] {
        let images = PYTHON.decode(&mut &file[..]).expect("whole");
        assert_eq!(images, images_of(&[0, 99, 5]));
    }
}

#[test]
fn an_array_that_lies_column_by_column_is_turned() {
    let rows = images_of(&[0, 0, 0]).pixels;
    let columns: Vec<u8> = (0..NUM_PIXELS)
        .flat_map(|column| [0, 1, 2].map(|row| rows[row * NUM_PIXELS + column]))
        .collect();
    let file = pickle(b"fine_labels", &[0, 0, 0], &columns, TRUE);
    let images = PYTHON.decode(&mut &file[..]).expect("whole");
    assert_eq!(images.pixels, rows);
}

#[test]
fn pickles_of_something_else_are_refused() {
    let file = python_batch("fine_labels", &[0, 99, 5]);
    let pixels = images_of(&[0, 99, 5]).pixels;
    let mut is_long = file.clone();
    is_long.resize(PYTHON.max_size() as usize + 1, 0);
    for (file, expected) in [
        (
            python_batch("labels", &[0, 99, 5]),
            "no list under \"fine_labels\"",
        ),
        (python_batch("fine_labels", &[0, 99]), "found 2 labels"),
        (
            pickle(b"fine_labels", &[0, 99, 5], &pixels[3072..], FALSE),
            "[2, 3072]",
        ),
        (b"\x80\x02}.".to_vec(), "no list under"),
        (b"\x80\x02]q\x01.".to_vec(), "no list under"),
        (file[..file.len() - 1].to_vec(), "cut off"),
        (is_long, "more than"),
    ] {
        assert_refused(PYTHON.decode(&mut &file[..]), expected);
    }
}

/// Records of the binary version with these labels. Pixels of image i have the value i.
pub(crate) fn binary_batch<const N: usize>(labels: &[[u8; N]]) -> Vec<u8> {
    let mut file = Vec::with_capacity(labels.len() * (N + NUM_PIXELS));
    for (index, labels) in labels.iter().enumerate() {
        file.extend(labels);
        file.extend([index as u8; NUM_PIXELS]);
    }
    file
}

/// A pickle as Python 2 wrote the official ones. Pixels of image i have the value i.
pub(crate) fn python_batch(label_key: &str, labels: &[u8]) -> Vec<u8> {
    pickle(
        label_key.as_bytes(),
        labels,
        &images_of(labels).pixels,
        FALSE,
    )
}

/// The opcodes of `False` and `True`.
const FALSE: u8 = 0x89;
const TRUE: u8 = 0x88;

fn pickle(label_key: &[u8], labels: &[u8], pixels: &[u8], is_fortran: u8) -> Vec<u8> {
    let num_images = (pixels.len() / NUM_PIXELS) as i32;
    let mut file = b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x08batch 1 q\x03U".to_vec();
    file.push(label_key.len() as u8);
    file.extend(label_key);
    file.extend(b"q\x04]q\x05");
    for labels in labels.chunks(1000) {
        file.push(b'(');
        for label in labels {
            file.extend([b'K', *label]);
        }
        file.push(b'e');
    }
    file.extend(b"U\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08");
    file.extend(b"K\x00\x85U\x01b\x87Rq\x09(K\x01J");
    file.extend(num_images.to_le_bytes());
    file.extend(b"M\x00\x0c\x86cnumpy\ndtype\nq\x0aU\x02u1K\x00K\x01\x87Rq\x0b");
    file.extend(b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb");
    file.push(is_fortran);
    file.push(b'T');
    file.extend((pixels.len() as u32).to_le_bytes());
    file.extend(pixels);
    file.extend(b"tbU\x09filenamesq\x0c]q\x0d(U\x05a.pngq\x0eU\x05b.pngq\x0feu.");
    file
}

/// The array `[3, 3072]` as NumPy 2 and Python 3 pickle it in protocol 2.
fn array_of_python_3(pixels: &[u8]) -> Vec<u8> {
    let text: String = pixels.iter().map(|byte| char::from(*byte)).collect();
    [
        &b"cnumpy._core.multiarray\n_reconstruct\nq\x04cnumpy\nndarray\nq\x05K\x00\x85q\x06"[..],
        b"c_codecs\nencode\nq\x07X\x01\x00\x00\x00bq\x08X\x06\x00\x00\x00latin1q\x09\x86q\x0aRq\x0b",
        b"\x87q\x0cRq\x0d(K\x01K\x03M\x00\x0c\x86q\x0ecnumpy\ndtype\nq\x0fX\x02\x00\x00\x00u1q\x10",
        b"\x89\x88\x87q\x11Rq\x12(K\x03X\x01\x00\x00\x00|q\x13NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff",
        b"K\x00tq\x14b\x89h\x07X",
        &(text.len() as u32).to_le_bytes(),
        text.as_bytes(),
        b"q\x15h\x09\x86q\x16Rq\x17tq\x18b",
    ]
    .concat()
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
