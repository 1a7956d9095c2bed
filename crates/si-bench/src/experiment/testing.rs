//! Tasks for the tests of this module.

use std::sync::Arc;

use crate::data::{ImageParts, LabelledImages};
use crate::task::TaskSequence;

use super::Scenario;

/// Two tasks of two classes each. A class has 16 images of four pixels, one of which is bright.
pub(super) fn tasks(scenario: Scenario) -> TaskSequence {
    several_tasks(2, scenario)
}

/// Tasks of two classes each. A class has 16 images of one pixel for each class of all tasks, one of which is bright.
pub(super) fn several_tasks(num_tasks: u8, scenario: Scenario) -> TaskSequence {
    let num_classes = 2 * num_tasks;
    let num_images = 16 * num_classes;
    let pixels_of = |image: u8| {
        let is_bright = move |pixel| image % num_classes == pixel;
        (0..num_classes).map(move |pixel| if is_bright(pixel) { 255 } else { image })
    };
    let images = LabelledImages::new(ImageParts {
        pixels: (0..num_images).flat_map(pixels_of).collect(),
        labels: (0..num_images).map(|image| image % num_classes).collect(),
        shape: [1, 2, usize::from(num_tasks)],
        num_classes: usize::from(num_classes),
    });
    let images = Arc::new(images.expect("the parts fit"));
    let classes: Vec<_> = (0..usize::from(num_tasks))
        .map(|task| vec![2 * task, 2 * task + 1])
        .collect();
    TaskSequence::split(&images, &images, &classes, scenario).expect("two classes for each task")
}
