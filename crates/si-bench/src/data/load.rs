use std::{path::Path, sync::Arc};

use crate::Error;

use super::{
    DataFolders, DataSet, DownloadProgress, ImageParts, LabelledImages, Place, fetch,
    place::{find_below, locate, read},
    raw::{RawImages, RawSplits},
};

/// The two parts of a data set. Clones share the images.
#[derive(Clone, Debug)]
pub struct LabelledSplits {
    /// Images to train on.
    pub train: Arc<LabelledImages>,
    /// Images to test on.
    pub test: Arc<LabelledImages>,
}

/// Reads a data set. Looks for it in this order: in the folder `data_dir` (default: the one in
/// `SI_DATA_DIR`), in the program itself (MNIST, with the feature `mnist`), in the cache; then
/// downloads it.
///
/// The files may be in the folder itself, in a subfolder with the data set's name, or in
/// torchvision's layout (`FashionMNIST/raw`). Files of MNIST and Fashion-MNIST may be plain or
/// gzipped. CIFAR must be in the binary version: as the archive (`cifar-10-binary.tar.gz`), as the
/// folder that it unpacks to (`cifar-10-batches-bin`), or as the single files of that folder.
///
/// # Errors
///
/// [`Error::Io`] for a folder or file that cannot be read; [`Error::DataFile`] for a file with the
/// wrong content; [`Error::DataMissing`] if a folder has only some of the files, or `data_dir` has
/// none; and [`Error::Download`] if no mirror could be reached.
pub fn load(data_set: DataSet, data_dir: Option<&Path>) -> Result<LabelledSplits, Error> {
    let folders = DataFolders::find(data_dir);
    // A user who names a folder wants its files, so nothing else is used if they are missing.
    if let Some(named) = data_dir
        && find_below(data_set, named)?.is_none()
    {
        return Err(Error::DataMissing {
            data_set: data_set.title(),
            files: data_set.row().main_form().names(),
            remedy: format!(
                "{} has none of them: name another folder, or none",
                named.display()
            ),
        });
    }
    load_from(data_set, &folders, &mut |_| {})
}

/// Like [`load()`], in the given folders. Reports every part of a download to `progress`.
///
/// # Errors
///
/// Those of [`load()`].
pub fn load_from(
    data_set: DataSet,
    folders: &DataFolders,
    progress: &mut dyn FnMut(DownloadProgress),
) -> Result<LabelledSplits, Error> {
    let mut located = locate(data_set, folders)?;
    let is_given = located
        .files()
        .any(|(_, place)| matches!(place, Some(Place::Folder(_))));
    if !located.is_complete() && !is_given {
        fetch(data_set, folders, progress)?;
        located = locate(data_set, folders)?;
    }
    let missing: Vec<&str> = located
        .files()
        .filter(|(_, place)| place.is_none())
        .map(|(file, _)| file.name)
        .collect();
    if !missing.is_empty() {
        return Err(Error::DataMissing {
            data_set: data_set.title(),
            files: missing.join(", "),
            remedy: folders.remedy(data_set),
        });
    }
    let mut splits = RawSplits::default();
    for (file, place) in located.files() {
        if let Some(place) = place {
            splits.append(read(data_set, file, place)?);
        }
    }
    Ok(LabelledSplits {
        train: Arc::new(label(data_set, splits.train)?),
        test: Arc::new(label(data_set, splits.test)?),
    })
}

fn label(data_set: DataSet, images: RawImages) -> Result<LabelledImages, Error> {
    LabelledImages::new(ImageParts {
        pixels: images.pixels,
        labels: images.labels,
        shape: data_set.image_shape(),
        num_classes: data_set.num_classes(),
    })
}

#[cfg(test)]
mod tests;
