//! PNGs in a folder for each class.

use std::path::{Path, PathBuf};

use crate::{
    Error,
    data::raw::{RawImages, RawSplits},
};

use super::{
    Found, checks,
    listing::{Entry, entries},
    png_image::PngImage,
    shown, unusable,
};

const TRAIN: &str = "train";
const TEST: &str = "test";

pub(super) fn has(entry: &Entry) -> bool {
    [TRAIN, TEST].contains(&entry.name.as_str()) && entry.path.is_dir()
}

pub(super) fn read(folder: &Path) -> Result<Found, Error> {
    let (train, test) = (folder.join(TRAIN), folder.join(TEST));
    let classes = classes_of(&train)?;
    checks::number_of_classes(&train, classes.len())?;
    let of_test = classes_of(&test)?;
    for (names, others, place) in [(&classes, &of_test, &test), (&of_test, &classes, &train)] {
        if let Some(name) = names.iter().find(|name| !others.contains(name)) {
            return Err(unusable(place, format!("it lacks the class {name:?}")));
        }
    }
    let mut first = None;
    let splits = RawSplits {
        train: read_part(&train, &classes, &mut first)?,
        test: read_part(&test, &classes, &mut first)?,
    };
    match first {
        Some(First { shape, .. }) => Ok(Found {
            shape,
            classes,
            splits,
        }),
        None => Err(unusable(folder, "it has no PNGs")),
    }
}

/// The image that all others must be like.
struct First {
    path: PathBuf,
    /// `[channels, height, width]`.
    shape: [usize; 3],
}

/// The names of the folders in `folder`, sorted.
fn classes_of(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = entries(folder)?;
    match entries.iter().find(|entry| !entry.path.is_dir()) {
        None => Ok(entries.into_iter().map(|entry| entry.name).collect()),
        Some(Entry { path, .. }) => Err(unusable(
            path,
            "only folders can be here, one for each class",
        )),
    }
}

/// The images of every class, which has its position in `classes` as its label.
fn read_part(
    folder: &Path,
    classes: &[String],
    first: &mut Option<First>,
) -> Result<RawImages, Error> {
    let mut images = RawImages::default();
    for (label, class) in (0..=u8::MAX).zip(classes) {
        let of_class = folder.join(class);
        let files = entries(&of_class)?;
        if files.is_empty() {
            return Err(unusable(&of_class, "it has no PNGs"));
        }
        if let Some(other) = files.iter().find(|file| !is_png(file)) {
            return Err(unusable(&other.path, "only files *.png can be here"));
        }
        for Entry { path, .. } in files {
            let PngImage { shape, pixels } = PngImage::read(&path)?;
            let first = first.get_or_insert_with(|| First {
                path: path.clone(),
                shape,
            });
            if shape != first.shape {
                return Err(unusable(
                    &path,
                    format!(
                        "it has {}, but {} has {}",
                        shown(shape),
                        first.path.display(),
                        shown(first.shape)
                    ),
                ));
            }
            images.pixels.extend(pixels);
            images.labels.push(label);
        }
    }
    Ok(images)
}

fn is_png(file: &Entry) -> bool {
    file.ends_in(".png") && file.path.is_file()
}
