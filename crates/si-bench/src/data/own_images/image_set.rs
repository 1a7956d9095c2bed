use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::data::{LabelledSplits, checksum};

/// What a folder of the user's images holds, without the pixels. A run stores it, so that its
/// report names the classes, and so that it does not resume on other images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSet {
    /// md5 sum of shape, class names, labels and pixels, in lower-case hexadecimal digits. It does
    /// not depend on the layout, on the place of the folder or on compression.
    pub md5: String,
    /// Shape of an image, `[channels, height, width]`.
    pub shape: [usize; 3],
    /// What each class shows, `[classes]`.
    pub classes: Vec<String>,
}

impl ImageSet {
    /// Describes `splits`, whose classes have these names.
    pub(super) fn new(classes: Vec<String>, splits: &LabelledSplits) -> Self {
        let shape = splits.train.shape();
        let [train, test] = [&splits.train, &splits.test];
        let head = format!(
            "{shape:?} {} {} {}\0",
            train.len(),
            test.len(),
            classes.join("\0")
        );
        let content = head
            .as_bytes()
            .chain(train.labels())
            .chain(test.labels())
            .chain(train.pixels())
            .chain(test.pixels());
        Self {
            md5: checksum::md5(content).expect("memory is readable"),
            shape,
            classes,
        }
    }
}
