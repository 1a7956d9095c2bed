use std::{path::Path, sync::Arc};

use crate::Error;

use super::{
    DataFolders, DataSet, DownloadProgress, ImageParts, LabelledImages, Place, fetch,
    official::OfficialFile,
    place::{FourPlaces, find_below, locate, read},
};

/// The two parts of a data set. Clones share the images.
#[derive(Clone, Debug)]
pub struct LabelledSplits {
    /// Images to train on.
    pub train: Arc<LabelledImages>,
    /// Images to test on.
    pub test: Arc<LabelledImages>,
}

/// Reads a data set: from the folder `data_dir` (default: the one that `SI_DATA_DIR` names), where
/// it holds the official files, plain or gzipped, else from the box, else from the cache, else by
/// download.
///
/// The files lie in the folder itself, in a folder with the data set's name in it, or as
/// torchvision lays them out (`FashionMNIST/raw`).
///
/// # Errors
///
/// [`Error::Io`] for a folder or file that cannot be read, [`Error::DataFile`] for a file that
/// holds something else than the data set has there, [`Error::DataMissing`] where the folder holds
/// some of the files and not all, or `data_dir` holds none, and [`Error::Download`] where no mirror could be reached.
pub fn load(data_set: DataSet, data_dir: Option<&Path>) -> Result<LabelledSplits, Error> {
    let folders = DataFolders::find(data_dir);
    // Whoever names a folder means its files, and not what would be taken without it.
    if let Some(named) = data_dir
        && find_below(data_set, named)?.is_none()
    {
        return Err(Error::DataMissing {
            data_set: data_set.title(),
            files: data_set.files().each_ref().map(|file| file.name).join(", "),
            remedy: format!(
                "{} holds none of them: name another folder, or none",
                named.display()
            ),
        });
    }
    load_from(data_set, &folders, &mut |_| {})
}

/// As [`load()`], with the folders named and `progress` told of every part of a download.
///
/// # Errors
///
/// Those of [`load()`].
pub fn load_from(
    data_set: DataSet,
    folders: &DataFolders,
    progress: &mut dyn FnMut(DownloadProgress),
) -> Result<LabelledSplits, Error> {
    let mut places = locate(data_set, folders)?;
    let is_given = places
        .iter()
        .flatten()
        .any(|place| matches!(place, Place::Folder(_)));
    if places.iter().any(Option::is_none) && !is_given {
        fetch(data_set, folders, progress)?;
        places = locate(data_set, folders)?;
    }
    let [train_images, train_labels, test_images, test_labels] =
        require_all(data_set, folders, places)?;
    Ok(LabelledSplits {
        train: Arc::new(pair(data_set, train_images, train_labels)?),
        test: Arc::new(pair(data_set, test_images, test_labels)?),
    })
}

type FileAtPlace = (&'static OfficialFile, Place);

fn require_all(
    data_set: DataSet,
    folders: &DataFolders,
    places: FourPlaces,
) -> Result<[FileAtPlace; 4], Error> {
    let missing: Vec<&str> = places
        .iter()
        .zip(data_set.files())
        .filter(|(place, _)| place.is_none())
        .map(|(_, file)| file.name)
        .collect();
    let [file0, file1, file2, file3] = data_set.files();
    match places {
        [Some(place0), Some(place1), Some(place2), Some(place3)] => Ok([
            (file0, place0),
            (file1, place1),
            (file2, place2),
            (file3, place3),
        ]),
        _ => Err(Error::DataMissing {
            data_set: data_set.title(),
            files: missing.join(", "),
            remedy: folders.remedy(data_set),
        }),
    }
}

fn pair(
    data_set: DataSet,
    (images, images_place): FileAtPlace,
    (labels, labels_place): FileAtPlace,
) -> Result<LabelledImages, Error> {
    LabelledImages::new(ImageParts {
        pixels: read(data_set, images, &images_place)?,
        labels: read(data_set, labels, &labels_place)?,
        shape: data_set.image_shape(),
        num_classes: data_set.num_classes(),
    })
}

#[cfg(test)]
mod tests;
