use std::path::Path;

use crate::Error;

use super::{
    Found, class_folders, idx_files,
    listing::{Entry, entries},
    records, unusable,
};

/// How a folder holds its images.
pub(super) struct Layout {
    /// What the folder has in this layout, for sentences.
    description: &'static str,
    /// Whether this file or folder in it belongs to the layout.
    has: fn(&Entry) -> bool,
    /// Reads all images.
    read: fn(&Path) -> Result<Found, Error>,
}

impl Layout {
    pub(super) fn read(&self, folder: &Path) -> Result<Found, Error> {
        (self.read)(folder)
    }
}

static LAYOUTS: [Layout; 3] = [
    Layout {
        description: "IDX files (train-images-idx3-ubyte and train-labels-idx1-ubyte, and the same with t10k or test \
                      instead of train; plain or .gz)",
        has: idx_files::has,
        read: idx_files::read,
    },
    Layout {
        description: "PNGs in a folder for each class (train/CLASS/*.png and test/CLASS/*.png)",
        has: class_folders::has,
        read: class_folders::read,
    },
    Layout {
        description: "binary files like those of CIFAR-10 (*.bin with train or data_batch in the name, and *.bin with \
                      test in the name)",
        has: records::has,
        read: records::read,
    },
];

/// The layout of `folder`.
pub(super) fn recognise(folder: &Path) -> Result<&'static Layout, Error> {
    let entries = entries(folder)?;
    let found: Vec<&Layout> = LAYOUTS
        .iter()
        .filter(|layout| entries.iter().any(layout.has))
        .collect();
    let descriptions = |layouts: &[&Layout]| {
        let descriptions: Vec<&str> = layouts.iter().map(|layout| layout.description).collect();
        descriptions.join("; ")
    };
    match found[..] {
        [layout] => Ok(layout),
        [] => {
            let beginning = if entries.is_empty() {
                "it is empty"
            } else {
                "it has no images in a known layout"
            };
            let all: Vec<&Layout> = LAYOUTS.iter().collect();
            Err(unusable(
                folder,
                format!(
                    "{beginning}; it must have one of these: {}",
                    descriptions(&all)
                ),
            ))
        }
        _ => Err(unusable(
            folder,
            format!(
                "it has images in several layouts, and only one is possible: {}",
                descriptions(&found)
            ),
        )),
    }
}
