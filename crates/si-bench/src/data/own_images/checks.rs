use std::path::Path;

use crate::Error;

use super::{Found, unusable};

/// Refuses a number of classes outside 2 to 256.
pub(super) fn number_of_classes(path: &Path, num_classes: usize) -> Result<(), Error> {
    match num_classes {
        0 | 1 => Err(unusable(
            path,
            format!("it has {num_classes} class(es), and at least 2 are needed"),
        )),
        2..=MAX_CLASSES => Ok(()),
        _ => Err(unusable(
            path,
            format!("it has {num_classes} classes, and at most {MAX_CLASSES} are possible"),
        )),
    }
}

/// Refuses a class without training images or without test images.
pub(super) fn every_class_has_images(folder: &Path, found: &Found) -> Result<(), Error> {
    for (part, images) in [
        ("training", &found.splits.train),
        ("test", &found.splits.test),
    ] {
        let mut is_there = vec![false; found.classes.len()];
        for label in &images.labels {
            if let Some(is_there) = is_there.get_mut(usize::from(*label)) {
                *is_there = true;
            }
        }
        if let Some(class) = is_there.iter().position(|is_there| !is_there) {
            return Err(unusable(
                folder,
                format!("the class {:?} has no {part} images", found.classes[class]),
            ));
        }
    }
    Ok(())
}

/// The names of the classes with these labels: their numbers, up to the largest label of the
/// training or test images.
pub(super) fn numbered_classes(train: &[u8], test: &[u8]) -> Vec<String> {
    let largest = train.iter().chain(test).max();
    let num_classes = largest.map_or(0, |label| usize::from(*label) + 1);
    (0..num_classes).map(|class| class.to_string()).collect()
}

/// A label is one byte.
const MAX_CLASSES: usize = 256;
