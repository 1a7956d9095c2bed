use std::{
    fmt,
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use crate::Error;

use super::{DataFolders, DataSet, idx, idx::Flaw, images::first_above, official::OfficialFile};

/// Where a file of a data set lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Inside the program.
    Box,
    /// At this path, below the folder that the user named.
    Folder(PathBuf),
    /// At this path, below the cache folder.
    Cache(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Box => formatter.write_str("in the box"),
            Place::Folder(path) | Place::Cache(path) => write!(formatter, "{}", path.display()),
        }
    }
}

/// Places of the files of a data set, `None` for a missing one. They lie in the folder given, or
/// in the box, or in the cache: files of two origins never mix.
pub(super) type FourPlaces = [Option<Place>; 4];

/// Looks for the files of `data_set`, in the folder given first.
pub(super) fn locate(data_set: DataSet, folders: &DataFolders) -> Result<FourPlaces, Error> {
    if let Some(given) = &folders.given
        && let Some(paths) = find_below(data_set, given)?
    {
        return Ok(paths.map(|path| path.map(Place::Folder)));
    }
    if data_set.is_in_the_box() {
        return Ok([const { Some(Place::Box) }; 4]);
    }
    Ok(match folders.cache_of(data_set) {
        Some(folder) => find_in(data_set, &folder).map(|path| path.map(Place::Cache)),
        None => [const { None }; 4],
    })
}

/// The elements of a file of `data_set`, checked against its official lengths and, where they are
/// labels, its number of classes.
pub(super) fn read(
    data_set: DataSet,
    file: &OfficialFile,
    place: &Place,
) -> Result<Vec<u8>, Error> {
    let (path, decoded) = match place {
        Place::Box => {
            let bytes = file.boxed.unwrap_or_default();
            (Path::new(file.name), idx::decode(bytes, file.dimensions))
        }
        Place::Folder(path) | Place::Cache(path) => {
            let decoded = File::open(path)
                .map_err(Flaw::Io)
                .and_then(|opened| idx::decode(BufReader::new(opened), file.dimensions));
            (path.as_path(), decoded)
        }
    };
    let refused = |flaw| match flaw {
        Flaw::Content { expected, found } => Error::DataFile {
            path: path.to_path_buf(),
            expected,
            found,
        },
        Flaw::Io(source) => Error::Io {
            action: "read",
            path: path.to_path_buf(),
            source,
        },
    };
    let elements = decoded.map_err(refused)?;
    let num_classes = data_set.num_classes();
    match first_above(&elements, num_classes) {
        Some((index, label)) if file.holds_labels() => Err(refused(Flaw::Content {
            expected: format!("labels below {num_classes}"),
            found: format!("{label} for image {index}"),
        })),
        _ => Ok(elements),
    }
}

pub(super) type FourPaths = [Option<PathBuf>; 4];

/// The files below a user's folder: in a subfolder of the data set's own, or in the folder itself.
/// `None` where there is none of them.
pub(super) fn find_below(data_set: DataSet, given: &Path) -> Result<Option<FourPaths>, Error> {
    fs::read_dir(given).map_err(|source| Error::Io {
        action: "read",
        path: given.to_path_buf(),
        source,
    })?;
    for subfolder in data_set.subfolders() {
        let paths = find_in(data_set, &given.join(subfolder));
        if paths.iter().any(Option::is_some) {
            return Ok(Some(paths));
        }
    }
    let paths = find_in(data_set, given);
    let is_found = paths.iter().any(Option::is_some) && !is_another(data_set, &paths);
    Ok(is_found.then_some(paths))
}

/// The files that lie in `folder` itself, uncompressed where there are both.
fn find_in(data_set: DataSet, folder: &Path) -> FourPaths {
    data_set.files().each_ref().map(|file| {
        [folder.join(file.name), folder.join(file.packed_name())]
            .into_iter()
            .find(|path| path.is_file())
    })
}

/// Whether the test labels are those of a data set that names its files in the same way.
fn is_another(data_set: DataSet, paths: &FourPaths) -> bool {
    let [_, _, _, Some(path)] = paths else {
        return false;
    };
    let [_, _, _, file] = data_set.files();
    let Ok(labels) = read(data_set, file, &Place::Folder(path.clone())) else {
        return false;
    };
    DataSet::ALL
        .into_iter()
        .filter(|other| *other != data_set)
        .any(|other| labels.starts_with(&other.first_test_labels()))
}
