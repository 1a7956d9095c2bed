//! A user's own images, in one of three layouts. What the folder holds decides which.

mod checks;
mod class_folders;
mod idx_files;
mod image_set;
mod layout;
mod listing;
mod png_image;
mod records;

use std::{path::Path, sync::Arc};

use crate::Error;

use super::{
    ImageParts, LabelledImages, LabelledSplits,
    raw::{RawImages, RawSplits},
};

pub use image_set::ImageSet;

/// The images in a folder of the user.
#[derive(Clone, Debug)]
pub struct OwnImages {
    /// What they are, without their pixels.
    pub set: ImageSet,
    /// The images themselves.
    pub splits: LabelledSplits,
}

/// What a layout holds, before classes are counted and checked.
struct Found {
    /// Shape of every image, `[channels, height, width]`.
    shape: [usize; 3],
    /// What each class shows, `[classes]`.
    classes: Vec<String>,
    splits: RawSplits,
}

/// Reads the images in `folder`. It must have one of these layouts:
///
/// - IDX files, like those of MNIST: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
///   `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte` (or `test-…`), each plain or compressed
///   with the ending `.gz`. Images may have any height and width.
/// - A folder of PNGs for each class: `train/<class>/*.png` and `test/<class>/*.png`. Classes and
///   images are sorted by name. All images have the same size and are all grey or all RGB, with 8
///   bits per channel. An alpha channel is dropped if every pixel is opaque, and refused
///   otherwise. Files with a name that begins with a dot are skipped.
/// - Binary files like those of CIFAR-10: files `*.bin` with `train` or `data_batch`, or with
///   `test`, in their names. They hold records of a label (one byte) and 3 × 32 × 32 pixels.
///
/// There must be 2 to 256 classes, and each needs training and test images. In the first and last
/// layout, classes are numbered from 0 and their names are their numbers.
///
/// # Errors
///
/// [`Error::Io`] for a folder or file that cannot be read, and [`Error::OwnImages`], which names
/// the folder or file, for everything that is not as above.
pub fn load_own_images(folder: &Path) -> Result<OwnImages, Error> {
    let found = layout::recognise(folder)?.read(folder)?;
    let num_classes = found.classes.len();
    checks::every_class_has_images(folder, &found)?;
    let label = |images: RawImages| {
        let images = LabelledImages::new(ImageParts {
            pixels: images.pixels,
            labels: images.labels,
            shape: found.shape,
            num_classes,
        });
        images.map(Arc::new)
    };
    let splits = LabelledSplits {
        train: label(found.splits.train)?,
        test: label(found.splits.test)?,
    };
    Ok(OwnImages {
        set: ImageSet::new(found.classes, &splits),
        splits,
    })
}

/// The error that the folder or file at `path` cannot be used.
fn unusable(path: &Path, reason: impl Into<String>) -> Error {
    Error::OwnImages {
        path: path.to_path_buf(),
        reason: reason.into(),
    }
}

/// A shape `[channels, height, width]` in a sentence.
fn shown([channels, height, width]: [usize; 3]) -> String {
    let colours = match channels {
        1 => "grey",
        _ => "RGB",
    };
    format!("{height} × {width} pixels, {colours}")
}

#[cfg(test)]
mod tests;
