//! Binary files like those of CIFAR-10.

use std::{fs::File, io::BufReader, path::Path};

use crate::{
    Error,
    data::{
        cifar::{BinaryLayout, IMAGE_SHAPE},
        raw::{RawImages, RawSplits, Split},
    },
};

use super::{
    Found, checks,
    listing::{Entry, entries},
    unusable,
};

const NUM_LABEL_BYTES: usize = 1;

pub(super) fn has(entry: &Entry) -> bool {
    entry.ends_in(".bin") && (is_train(entry) || is_test(entry)) && entry.path.is_file()
}

pub(super) fn read(folder: &Path) -> Result<Found, Error> {
    let mut splits = RawSplits::default();
    for file in entries(folder)?.iter().filter(|file| has(file)) {
        let split = match (is_train(file), is_test(file)) {
            (true, true) => {
                return Err(unusable(
                    &file.path,
                    "its name has both test and train or data_batch in it",
                ));
            }
            (true, false) => Split::Train,
            (false, _) => Split::Test,
        };
        let mut next = RawSplits::default();
        *next.part(split) = read_file(&file.path)?;
        splits.append(next);
    }
    for (images, names) in [
        (&splits.train, "train or data_batch"),
        (&splits.test, "test"),
    ] {
        if images.labels.is_empty() {
            return Err(unusable(
                folder,
                format!("it lacks a file *.bin with {names} in its name"),
            ));
        }
    }
    let classes = checks::numbered_classes(&splits.train.labels, &splits.test.labels);
    checks::number_of_classes(folder, classes.len())?;
    Ok(Found {
        shape: IMAGE_SHAPE,
        classes,
        splits,
    })
}

fn is_train(file: &Entry) -> bool {
    file.name.contains("train") || file.name.contains("data_batch")
}

fn is_test(file: &Entry) -> bool {
    file.name.contains("test")
}

fn read_file(path: &Path) -> Result<RawImages, Error> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let size = file.metadata().map_err(Error::io("read", path))?.len();
    let record_size = BinaryLayout::of(1, NUM_LABEL_BYTES).size();
    if size == 0 || !size.is_multiple_of(record_size) {
        return Err(unusable(
            path,
            format!(
                "it must have records of {record_size} bytes (a label and 3 × 32 × 32 pixels), and it has {size} bytes"
            ),
        ));
    }
    let num_images = usize::try_from(size / record_size);
    let num_images = num_images.map_err(|_| unusable(path, "it is too large for this computer"))?;
    BinaryLayout::of(num_images, NUM_LABEL_BYTES)
        .decode(&mut BufReader::new(file))
        .map_err(|flaw| flaw.of_own_images(path))
}
