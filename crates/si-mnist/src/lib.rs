//! The data set MNIST inside a program: handwritten digits in the four official IDX files.
//!
//! ```
//! let images = si_mnist::test_images();
//! let (header, pixels) = images.split_at(16);
//! assert_eq!(header[..4], [0, 0, 8, 3], "unsigned bytes in three dimensions");
//! assert_eq!(pixels.len(), 10_000 * 28 * 28);
//! assert_eq!(si_mnist::test_labels()[8..11], [7, 2, 1]);
//! ```
//!
//! | function | shape | bytes |
//! |---|---|---|
//! | [`train_images`] | `[60000, 28, 28]` | 47 040 016 |
//! | [`train_labels`] | `[60000]` | 60 008 |
//! | [`test_images`] | `[10000, 28, 28]` | 7 840 016 |
//! | [`test_labels`] | `[10000]` | 10 008 |
//!
//! An IDX file is a header and then unsigned bytes, the last dimension fastest. The header has four bytes for the type and the
//! number of dimensions, and a big-endian `u32` for the length of each dimension. A pixel is 0 where there is no ink, and 255
//! where it is darkest. A label is the digit.
//!
//! Each call decodes its file again and keeps nothing.
//!
//! The data are by Yann LeCun, Corinna Cortes and Christopher J. C. Burges. The licence of the code does not cover them: see the
//! README.

use std::io::Read;

use lzma_rust2::LzmaReader;

/// `train-images-idx3-ubyte`, the images to train on: `[60000, 28, 28]` after a header of 16 bytes.
///
/// md5: `6bbc9ace898e44ae57da46a324031adb`
pub fn train_images() -> Vec<u8> {
    decode(include_bytes!("../data/train-images-idx3-ubyte.lzma"))
}

/// `train-labels-idx1-ubyte`, the digits on the images to train on: `[60000]` after a header of 8 bytes.
///
/// md5: `a25bea736e30d166cdddb491f175f624`
pub fn train_labels() -> Vec<u8> {
    decode(include_bytes!("../data/train-labels-idx1-ubyte.lzma"))
}

/// `t10k-images-idx3-ubyte`, the images to test on: `[10000, 28, 28]` after a header of 16 bytes.
///
/// md5: `2646ac647ad5339dbf082846283269ea`
pub fn test_images() -> Vec<u8> {
    decode(include_bytes!("../data/t10k-images-idx3-ubyte.lzma"))
}

/// `t10k-labels-idx1-ubyte`, the digits on the images to test on: `[10000]` after a header of 8 bytes.
///
/// md5: `27ae3e4e09519cfbb04c329615203637`
pub fn test_labels() -> Vec<u8> {
    decode(include_bytes!("../data/t10k-labels-idx1-ubyte.lzma"))
}

/// The content of a file of `data/`.
fn decode(compressed: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    LzmaReader::new_mem_limit(compressed, u32::MAX, None)
        .and_then(|mut reader| reader.read_to_end(&mut content))
        .expect("the compressed files are whole, as a test checks");
    content
}

#[cfg(test)]
mod tests {
    use md5::{Digest, Md5};

    use super::*;

    #[test]
    fn each_file_has_its_official_length_and_md5_sum() {
        for (content, length, sum) in [
            (
                train_images(),
                47_040_016,
                "6bbc9ace898e44ae57da46a324031adb",
            ),
            (train_labels(), 60_008, "a25bea736e30d166cdddb491f175f624"),
            (test_images(), 7_840_016, "2646ac647ad5339dbf082846283269ea"),
            (test_labels(), 10_008, "27ae3e4e09519cfbb04c329615203637"),
        ] {
            assert_eq!(content.len(), length);
            let digest = Md5::digest(&content);
            let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(found, sum);
        }
    }
}
