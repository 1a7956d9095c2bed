//! Tasks for the tests of this module.

use std::sync::Arc;

use crate::data::{ImageParts, LabelledImages, LabelledSplits};
use crate::task::{TaskSequence, permute_pixels};

use super::Scenario;
use super::random::{Purpose, generator};

/// Two tasks of two classes each. A class has 16 images of four pixels, one of which is bright.
pub(super) fn tasks(scenario: Scenario) -> TaskSequence {
    several_tasks(2, scenario)
}

/// Tasks of two classes each. A class has 16 images of one pixel for each class of all tasks, one of which is bright.
pub(super) fn several_tasks(num_tasks: u8, scenario: Scenario) -> TaskSequence {
    let images = images(num_tasks);
    let classes: Vec<_> = (0..usize::from(num_tasks))
        .map(|task| vec![2 * task, 2 * task + 1])
        .collect();
    TaskSequence::split(&images, &images, &classes, scenario).expect("two classes for each task")
}

/// Two tasks of four classes each for each of `seeds`, which decides the order of their four pixels in the second task.
pub(super) fn permuted_tasks(seeds: &[u64], scenario: Scenario) -> Vec<TaskSequence> {
    let images = images(2);
    let splits = LabelledSplits {
        train: images.clone(),
        test: images,
    };
    let of_seed = |seed: &u64| {
        let generator = |task| generator(*seed, Purpose::PixelOrder { task });
        permute_pixels(&splits, scenario, 2, generator).expect("there are tasks")
    };
    seeds.iter().map(of_seed).collect()
}

/// 16 images of each class, with one pixel for each class, one of which is bright. There are two classes for each task.
fn images(num_tasks: u8) -> Arc<LabelledImages> {
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
    Arc::new(images.expect("the parts fit"))
}
