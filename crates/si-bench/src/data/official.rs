use super::{DataSet, fashion_mnist, mnist};

/// One of the files that a data set is published as, in the IDX format.
pub(super) struct OfficialFile {
    /// Its name without the ending `.gz`.
    pub(super) name: &'static str,
    /// Lengths of the array in it: `[images, height, width]` or `[images]`.
    pub(super) dimensions: &'static [usize],
    /// md5 of the uncompressed file, where it is known.
    pub(super) plain_md5: Option<&'static str>,
    /// md5 of the compressed file that mirrors serve.
    pub(super) packed_md5: &'static str,
    /// The file itself, compressed, where it comes with the program.
    pub(super) boxed: Option<&'static [u8]>,
}

impl OfficialFile {
    /// The name that mirrors serve it under.
    pub(super) fn packed_name(&self) -> String {
        format!("{}.gz", self.name)
    }

    /// Whether its elements are classes. They are brightness otherwise.
    pub(super) fn holds_labels(&self) -> bool {
        self.dimensions.len() == 1
    }

    /// Size of the uncompressed file in bytes: the IDX header and a byte per element.
    #[cfg(feature = "download")]
    pub(super) fn plain_size(&self) -> u64 {
        let header = 4 + 4 * self.dimensions.len();
        (header + self.dimensions.iter().product::<usize>()) as u64
    }
}

/// Training images, training labels, test images, test labels, as they stand in this order
/// wherever four files of a data set are listed.
pub(super) type FourFiles = [OfficialFile; 4];

impl DataSet {
    /// The files that it is published as.
    pub(super) fn files(self) -> &'static FourFiles {
        match self {
            DataSet::Mnist => &mnist::FILES,
            DataSet::FashionMnist => &fashion_mnist::FILES,
        }
    }

    /// Where the compressed files can be had, in the order to try. An address ends in a slash.
    pub(super) fn mirrors(self) -> &'static [&'static str] {
        match self {
            DataSet::Mnist => &[],
            DataSet::FashionMnist => &[
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            ],
        }
    }

    /// Folders inside a user's folder that belong to this data set alone: our own name, and the
    /// layout of torchvision.
    pub(super) fn subfolders(self) -> &'static [&'static str] {
        match self {
            DataSet::Mnist => &["mnist", "MNIST/raw"],
            DataSet::FashionMnist => &["fashion-mnist", "FashionMNIST/raw"],
        }
    }

    /// The first labels of the test set. They tell apart data sets whose files have the same names.
    pub(super) fn first_test_labels(self) -> [u8; 10] {
        match self {
            DataSet::Mnist => [7, 2, 1, 0, 4, 1, 4, 9, 5, 9],
            DataSet::FashionMnist => [9, 2, 1, 1, 6, 1, 4, 6, 5, 7],
        }
    }
}
