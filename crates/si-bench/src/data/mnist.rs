use super::{
    official::{Boxed, Content, Form, OfficialFile, PackedFile},
    raw::Split,
    row::Row,
};

/// Handwritten digits. With the feature `mnist` they are included in the program, so they need
/// neither a folder nor a network.
pub(super) static MNIST: Row = Row {
    name: "mnist",
    title: "MNIST",
    image_shape: [1, 28, 28],
    class_names: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    forms: &[Form {
        unpacked_folder: None,
        files: &FILES,
        mirrors: &[
            "https://storage.googleapis.com/cvdf-datasets/mnist/{file}",
            "https://ossci-datasets.s3.amazonaws.com/mnist/{file}",
        ],
    }],
    subfolders: &["mnist", "MNIST/raw"],
    first_test_labels: Some([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]),
};

static FILES: [OfficialFile; 4] = [
    OfficialFile {
        name: "train-images-idx3-ubyte",
        content: Content::Idx {
            split: Split::Train,
            dimensions: &[60_000, 28, 28],
        },
        plain_md5: Some("6bbc9ace898e44ae57da46a324031adb"),
        packed: Some(PackedFile {
            md5: "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        }),
        boxed: CONTENTS[0],
    },
    OfficialFile {
        name: "train-labels-idx1-ubyte",
        content: Content::Idx {
            split: Split::Train,
            dimensions: &[60_000],
        },
        plain_md5: Some("a25bea736e30d166cdddb491f175f624"),
        packed: Some(PackedFile {
            md5: "d53e105ee54ea40749a09fcbcd1e9432",
        }),
        boxed: CONTENTS[1],
    },
    OfficialFile {
        name: "t10k-images-idx3-ubyte",
        content: Content::Idx {
            split: Split::Test,
            dimensions: &[10_000, 28, 28],
        },
        plain_md5: Some("2646ac647ad5339dbf082846283269ea"),
        packed: Some(PackedFile {
            md5: "9fb629c4189551a2d022fa330f9573f3",
        }),
        boxed: CONTENTS[2],
    },
    OfficialFile {
        name: "t10k-labels-idx1-ubyte",
        content: Content::Idx {
            split: Split::Test,
            dimensions: &[10_000],
        },
        plain_md5: Some("27ae3e4e09519cfbb04c329615203637"),
        packed: Some(PackedFile {
            md5: "ec29112dd5afa0611ce80d1b7f02629c",
        }),
        boxed: CONTENTS[3],
    },
];

/// What gives each of the files, in their order.
#[cfg(feature = "mnist")]
const CONTENTS: [Option<Boxed>; 4] = [
    Some(si_mnist::train_images),
    Some(si_mnist::train_labels),
    Some(si_mnist::test_images),
    Some(si_mnist::test_labels),
];
#[cfg(not(feature = "mnist"))]
const CONTENTS: [Option<Boxed>; 4] = [None; 4];

#[cfg(all(test, feature = "mnist"))]
mod tests {
    use super::*;
    use crate::data::{DataFolders, DataSet, checksum, load_from};

    #[test]
    fn bundled_files_have_the_official_checksums() {
        for file in &FILES {
            let content = file.boxed.expect("all of MNIST is in the box")();
            assert_eq!(content.len() as u64, file.max_size(), "{}", file.name);
            let sum = checksum::md5(&content[..]).expect("a slice");
            assert_eq!(Some(sum.as_str()), file.plain_md5, "{}", file.name);
        }
    }

    #[test]
    fn bundled_digits_have_the_published_counts() {
        let splits = load_from(DataSet::Mnist, &DataFolders::default(), &mut |_| {})
            .expect("MNIST is in the box");
        let count = |labels: &[u8]| {
            let mut counts = [0; 10];
            for label in labels {
                counts[usize::from(*label)] += 1;
            }
            counts
        };
        let train = count(splits.train.labels());
        let test = count(splits.test.labels());
        assert_eq!(
            train,
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        );
        assert_eq!(
            test,
            [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        );
        assert_eq!(train.iter().sum::<usize>(), 60_000);
        assert_eq!(test.iter().sum::<usize>(), 10_000);
        assert_eq!(
            splits.test.labels().first_chunk(),
            MNIST.first_test_labels.as_ref()
        );
        assert_eq!(splits.train.shape(), [1, 28, 28]);
    }
}
