//! IDX files, like those of MNIST.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use crate::{
    Error,
    data::{
        flaw::Flaw,
        idx,
        raw::{RawImages, RawSplits},
    },
};

use super::{Found, checks, listing::Entry, shown, unusable};

/// Beginnings of the names of the training files.
const TRAIN: &[&str] = &["train"];
/// Beginnings of the names of the test files, in the order to look for them.
const TEST: &[&str] = &["t10k", "test"];
const IMAGES: &str = "images-idx3-ubyte";
const LABELS: &str = "labels-idx1-ubyte";

/// Images and labels from two files.
struct Pair {
    path: PathBuf,
    /// `[1, height, width]`.
    shape: [usize; 3],
    images: RawImages,
}

pub(super) fn has(entry: &Entry) -> bool {
    let name = entry.name.strip_suffix(".gz").unwrap_or(&entry.name);
    let mut parts = TRAIN.iter().chain(TEST);
    parts.any(|part| [IMAGES, LABELS].iter().any(|kind| name == join(part, kind)))
}

pub(super) fn read(folder: &Path) -> Result<Found, Error> {
    let train = read_pair(folder, TRAIN)?;
    let test = read_pair(folder, TEST)?;
    if train.shape != test.shape {
        return Err(unusable(
            &test.path,
            format!(
                "its images have {}, but those of {} have {}",
                shown(test.shape),
                train.path.display(),
                shown(train.shape)
            ),
        ));
    }
    let classes = checks::numbered_classes(&train.images.labels, &test.images.labels);
    checks::number_of_classes(folder, classes.len())?;
    Ok(Found {
        shape: train.shape,
        classes,
        splits: RawSplits {
            train: train.images,
            test: test.images,
        },
    })
}

/// The two files of a part: those of the first of `parts` that has any.
fn read_pair(folder: &Path, parts: &[&str]) -> Result<Pair, Error> {
    let part = parts
        .iter()
        .find(|part| {
            [IMAGES, LABELS]
                .iter()
                .any(|kind| find(folder, part, kind).is_some())
        })
        .unwrap_or(&parts[0]);
    let existing = |kind: &str| {
        find(folder, part, kind).ok_or_else(|| {
            let name = join(part, kind);
            unusable(
                folder,
                format!("it lacks {name} (plain, or compressed with the ending .gz)"),
            )
        })
    };
    let (images_path, labels_path) = (existing(IMAGES)?, existing(LABELS)?);
    let (lengths, pixels) = decode(&images_path, 3)?;
    let (_, labels) = decode(&labels_path, 1)?;
    let [num_images, height, width] = lengths[..] else {
        return Err(unusable(&images_path, "it must have three dimensions"));
    };
    if lengths.contains(&0) {
        return Err(unusable(
            &images_path,
            format!("it has {num_images} images of {height} × {width} pixels"),
        ));
    }
    if labels.len() != num_images {
        return Err(unusable(
            &labels_path,
            format!(
                "it has {} labels, but {} has {num_images} images",
                labels.len(),
                images_path.display()
            ),
        ));
    }
    Ok(Pair {
        path: images_path,
        shape: [1, height, width],
        images: RawImages { pixels, labels },
    })
}

fn decode(path: &Path, num_dimensions: usize) -> Result<(Vec<usize>, Vec<u8>), Error> {
    File::open(path)
        .map_err(Flaw::Io)
        .and_then(|file| idx::decode_any(&mut BufReader::new(file), num_dimensions))
        .map_err(|flaw| flaw.of_own_images(path))
}

/// The path of a file in `folder`. If both exist, the uncompressed one.
fn find(folder: &Path, part: &str, kind: &str) -> Option<PathBuf> {
    let name = join(part, kind);
    [name.clone(), format!("{name}.gz")]
        .into_iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

fn join(part: &str, kind: &str) -> String {
    format!("{part}-{kind}")
}
