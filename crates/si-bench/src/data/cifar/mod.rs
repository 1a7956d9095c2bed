//! CIFAR-10 and CIFAR-100 in the binary version, as an archive or unpacked.

mod binary;
mod cifar_10;
mod cifar_100;

use super::official::{Content, OfficialFile};

pub(super) use binary::BinaryLayout;
pub(super) use cifar_10::CIFAR_10;
pub(super) use cifar_100::CIFAR_100;

const fn archive(
    name: &'static str,
    files: &'static [OfficialFile],
    md5: &'static str,
) -> OfficialFile {
    OfficialFile {
        name,
        content: Content::Archive { files },
        plain_md5: Some(md5),
        packed: None,
        boxed: None,
    }
}

/// Red, green and blue planes of 32 rows of 32 pixels.
pub(super) const IMAGE_SHAPE: [usize; 3] = [3, 32, 32];
/// Bytes of an image.
const NUM_PIXELS: usize = IMAGE_SHAPE[0] * IMAGE_SHAPE[1] * IMAGE_SHAPE[2];

#[cfg(test)]
pub(super) mod tests;
