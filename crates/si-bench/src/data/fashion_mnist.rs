use super::{
    official::{Content, Form, OfficialFile, PackedFile},
    raw::Split,
    row::Row,
};

/// Articles of clothing.
pub(super) static FASHION_MNIST: Row = Row {
    name: "fashion-mnist",
    title: "Fashion-MNIST",
    image_shape: [1, 28, 28],
    class_names: &[
        "T-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    ],
    forms: &[Form {
        unpacked_folder: None,
        files: &FILES,
        mirrors: &[
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/{file}",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/{file}",
        ],
    }],
    subfolders: &["fashion-mnist", "FashionMNIST/raw"],
    first_test_labels: Some([9, 2, 1, 1, 6, 1, 4, 6, 5, 7]),
};

/// Only the sums of the compressed files are published for Fashion-MNIST.
static FILES: [OfficialFile; 4] = [
    OfficialFile {
        name: "train-images-idx3-ubyte",
        content: Content::Idx {
            split: Split::Train,
            dimensions: &[60_000, 28, 28],
        },
        plain_md5: None,
        packed: Some(PackedFile {
            md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        }),
        boxed: None,
    },
    OfficialFile {
        name: "train-labels-idx1-ubyte",
        content: Content::Idx {
            split: Split::Train,
            dimensions: &[60_000],
        },
        plain_md5: None,
        packed: Some(PackedFile {
            md5: "25c81989df183df01b3e8a0aad5dffbe",
        }),
        boxed: None,
    },
    OfficialFile {
        name: "t10k-images-idx3-ubyte",
        content: Content::Idx {
            split: Split::Test,
            dimensions: &[10_000, 28, 28],
        },
        plain_md5: None,
        packed: Some(PackedFile {
            md5: "bef4ecab320f06d8554ea6380940ec79",
        }),
        boxed: None,
    },
    OfficialFile {
        name: "t10k-labels-idx1-ubyte",
        content: Content::Idx {
            split: Split::Test,
            dimensions: &[10_000],
        },
        plain_md5: None,
        packed: Some(PackedFile {
            md5: "bb300cfdad3c16e7a12a480ee83cd310",
        }),
        boxed: None,
    },
];
