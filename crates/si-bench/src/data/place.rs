use std::{
    fmt,
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use crate::Error;

use super::{
    DataFolders, DataSet,
    flaw::Flaw,
    official::{Form, OfficialFile},
    raw::RawSplits,
};

/// Where a file of a data set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Inside the program.
    Box,
    /// At this path, below the folder named by the user.
    Folder(PathBuf),
    /// At this path, below the cache folder.
    Cache(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Box => formatter.write_str("in this program"),
            Place::Folder(path) | Place::Cache(path) => write!(formatter, "{}", path.display()),
        }
    }
}

/// One form of a data set and where its files are; `None` for a missing one. They are all in the
/// given folder, all in the program, or all in the cache: files of two origins or two forms never
/// mix.
pub(super) struct Located<P> {
    pub(super) form: &'static Form,
    /// `[files]`.
    pub(super) places: Vec<Option<P>>,
}

impl<P> Located<P> {
    fn new(form: &'static Form, place: impl FnMut(&'static OfficialFile) -> Option<P>) -> Self {
        Self {
            form,
            places: form.files.iter().map(place).collect(),
        }
    }

    fn map<Q>(self, convert: impl Fn(P) -> Q) -> Located<Q> {
        let places = self.places.into_iter();
        Located {
            form: self.form,
            places: places.map(|place| place.map(&convert)).collect(),
        }
    }

    /// Whether any of the files exists.
    fn is_found(&self) -> bool {
        self.places.iter().any(Option::is_some)
    }

    /// Whether all of the files exist.
    pub(super) fn is_complete(&self) -> bool {
        self.places.iter().all(Option::is_some)
    }

    /// Every file and where it is.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static OfficialFile, Option<&P>)> {
        self.form
            .files
            .iter()
            .zip(self.places.iter().map(Option::as_ref))
    }
}

/// Looks for the files of `data_set`, in the folder given first.
pub(super) fn locate(data_set: DataSet, folders: &DataFolders) -> Result<Located<Place>, Error> {
    if let Some(given) = &folders.given
        && let Some(found) = find_below(data_set, given)?
    {
        return Ok(found.map(Place::Folder));
    }
    if !data_set.is_in_the_box()
        && let Some(folder) = folders.cache_of(data_set)
        && let Some(found) = find_in(data_set, &folder)
    {
        return Ok(found.map(Place::Cache));
    }
    Ok(Located::new(data_set.row().main_form(), |file| {
        file.boxed.map(|_| Place::Box)
    }))
}

/// The content of a file of `data_set`, checked against its official structure. Labels are checked
/// against the number of classes.
pub(super) fn read(
    data_set: DataSet,
    file: &OfficialFile,
    place: &Place,
) -> Result<RawSplits, Error> {
    let num_classes = data_set.num_classes();
    match place {
        Place::Box => {
            let content = file.boxed.map(|content| content()).unwrap_or_default();
            file.decode(&mut &content[..], num_classes)
                .map_err(|flaw| flaw.at(Path::new(file.name)))
        }
        Place::Folder(path) | Place::Cache(path) => File::open(path)
            .map_err(Flaw::Io)
            .and_then(|opened| file.decode(&mut BufReader::new(opened), num_classes))
            .map_err(|flaw| flaw.at(path)),
    }
}

/// The files below a user's folder: in a subfolder for the data set, or in the folder itself.
/// `None` if there are none.
pub(super) fn find_below(
    data_set: DataSet,
    given: &Path,
) -> Result<Option<Located<PathBuf>>, Error> {
    fs::read_dir(given).map_err(Error::io("read", given))?;
    let of_its_own = data_set
        .row()
        .subfolders
        .iter()
        .find_map(|subfolder| find_in(data_set, &given.join(subfolder)));
    Ok(
        of_its_own
            .or_else(|| find_in(data_set, given).filter(|found| !is_another(data_set, found))),
    )
}

/// The files in `folder`, or in a folder that was unpacked there. Returns the first form with all
/// files, otherwise the first form with any file.
fn find_in(data_set: DataSet, folder: &Path) -> Option<Located<PathBuf>> {
    let mut partial = None;
    for form in data_set.row().forms {
        let unpacked = form.unpacked_folder.map(|name| folder.join(name));
        for folder in unpacked.iter().map(PathBuf::as_path).chain([folder]) {
            let found = Located::new(form, |file| find_file(file, folder));
            if found.is_complete() {
                return Some(found);
            }
            if found.is_found() {
                partial.get_or_insert(found);
            }
        }
    }
    partial
}

/// The path of a file in `folder`. If both exist, the uncompressed one.
fn find_file(file: &OfficialFile, folder: &Path) -> Option<PathBuf> {
    let packed = file.packed.as_ref().map(|_| file.packed_name());
    std::iter::once(file.name.to_string())
        .chain(packed)
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

/// Whether the test labels belong to another data set with the same file names.
fn is_another(data_set: DataSet, found: &Located<PathBuf>) -> bool {
    let (Some((file, Some(path))), Some(_)) =
        (found.files().last(), data_set.row().first_test_labels)
    else {
        return false;
    };
    let Ok(last) = read(data_set, file, &Place::Folder(path.clone())) else {
        return false;
    };
    DataSet::ALL
        .into_iter()
        .filter(|other| *other != data_set)
        .filter_map(|other| other.row().first_test_labels)
        .any(|labels| last.test.labels.starts_with(&labels))
}
