use super::official::{FourFiles, OfficialFile};

/// Fashion-MNIST publishes sums of its compressed files only.
pub(super) static FILES: FourFiles = [
    OfficialFile {
        name: "train-images-idx3-ubyte",
        dimensions: &[60_000, 28, 28],
        plain_md5: None,
        packed_md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        boxed: None,
    },
    OfficialFile {
        name: "train-labels-idx1-ubyte",
        dimensions: &[60_000],
        plain_md5: None,
        packed_md5: "25c81989df183df01b3e8a0aad5dffbe",
        boxed: None,
    },
    OfficialFile {
        name: "t10k-images-idx3-ubyte",
        dimensions: &[10_000, 28, 28],
        plain_md5: None,
        packed_md5: "bef4ecab320f06d8554ea6380940ec79",
        boxed: None,
    },
    OfficialFile {
        name: "t10k-labels-idx1-ubyte",
        dimensions: &[10_000],
        plain_md5: None,
        packed_md5: "bb300cfdad3c16e7a12a480ee83cd310",
        boxed: None,
    },
];
