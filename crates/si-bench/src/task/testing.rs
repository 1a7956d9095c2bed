//! Images for the tests of this module.

use std::sync::Arc;

use crate::data::{ImageParts, LabelledImages};

/// Eight images of two pixels, `[i, 255]`, of the classes 0, 1, 2, 3, 0, 1, 2, 3.
pub(super) fn tiny_images() -> Arc<LabelledImages> {
    let images = LabelledImages::new(ImageParts {
        pixels: (0..8).flat_map(|index| [index, 255]).collect(),
        labels: (0..8).map(|index| index % 4).collect(),
        shape: [1, 1, 2],
        num_classes: 4,
    });
    Arc::new(images.expect("valid parts"))
}
