//! Tasks for the tests of this module.

use std::sync::Arc;

use crate::data::{ImageParts, LabelledImages};
use crate::task::TaskSequence;

use super::Scenario;

/// Two tasks of two classes each. A class has 16 images of four pixels, one of which is bright.
pub(super) fn tasks(scenario: Scenario) -> TaskSequence {
    let images = LabelledImages::new(ImageParts {
        pixels: (0..64)
            .flat_map(|image| (0..4).map(move |pixel| if image % 4 == pixel { 255 } else { image }))
            .collect(),
        labels: (0..64).map(|image| image % 4).collect(),
        shape: [1, 2, 2],
        num_classes: 4,
    });
    let images = Arc::new(images.expect("the parts fit"));
    let classes = [vec![0, 1], vec![2, 3]];
    TaskSequence::split(&images, &images, &classes, scenario).expect("four classes")
}
