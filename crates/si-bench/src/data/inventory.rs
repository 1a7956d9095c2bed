use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Cursor},
};

use flate2::bufread::GzDecoder;

use crate::Error;

use super::{
    DataFolders, DataSet, Place, checksum,
    gzip::is_packed,
    official::OfficialFile,
    place::{locate, read},
};

/// What is known about one file of a data set.
#[derive(Clone)]
pub struct FileReport {
    /// The data set.
    pub data_set: DataSet,
    /// Its official name, without the ending `.gz`.
    pub file: &'static str,
    /// Where it is. `None` if it is missing.
    pub place: Option<Place>,
    /// Size of the stored file in bytes, uncompressed if it is inside the program.
    pub size: Option<u64>,
    /// The official md5 sum to compare `found_md5` with, if there is one.
    pub expected_md5: Option<&'static str>,
    /// The md5 sum of the file, or of its unpacked content if only that has an official sum. `None`
    /// until the file is verified.
    pub found_md5: Option<String>,
    /// Its state.
    pub status: FileStatus,
    official: &'static OfficialFile,
}

/// The state of a file of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileStatus {
    /// It is not in any of the folders.
    Missing,
    /// It exists, but was not read.
    Present,
    /// Its bytes are the official ones.
    Official,
    /// Its structure is right. Its bytes differ from the official ones, or no official sum is known
    /// for this form.
    Sound,
    /// It cannot be used, for this reason.
    Damaged(String),
}

/// Every file of every data set, as it would be loaded from `folders`. If several forms are
/// possible, lists the form that is present, or the form that would be downloaded. Reads no file.
///
/// # Errors
///
/// [`Error::Io`] if the given folder cannot be read.
pub fn inventory(folders: &DataFolders) -> Result<Vec<FileReport>, Error> {
    let mut reports = Vec::new();
    for data_set in DataSet::ALL {
        let located = locate(data_set, folders)?;
        for (official, place) in located.files() {
            let size = match place {
                None => None,
                Some(Place::Box) => Some(official.max_size()),
                Some(Place::Folder(path) | Place::Cache(path)) => {
                    fs::metadata(path).ok().map(|metadata| metadata.len())
                }
            };
            reports.push(FileReport {
                data_set,
                file: official.name,
                size,
                expected_md5: match place {
                    Some(Place::Box) => official.plain_md5,
                    _ => official.served_md5(),
                },
                found_md5: None,
                status: match place {
                    Some(_) => FileStatus::Present,
                    None => FileStatus::Missing,
                },
                place: place.cloned(),
                official,
            });
        }
    }
    Ok(reports)
}

impl FileReport {
    /// Reads the file and checks its structure and checksum. A missing file stays missing.
    pub fn verified(self) -> Self {
        let Some(place) = &self.place else {
            return self;
        };
        let damaged = |reason: String| FileStatus::Damaged(reason);
        if let Err(error) = read(self.data_set, self.official, place) {
            let status = damaged(error.to_string());
            return Self { status, ..self };
        }
        let (expected_md5, found_md5) = match sums(self.official, place) {
            Ok(sums) => sums,
            Err(error) => {
                let status = damaged(error.to_string());
                return Self { status, ..self };
            }
        };
        let status = match expected_md5 {
            Some(expected) if expected == found_md5 => FileStatus::Official,
            // A user's folder may hold files that were compressed again.
            None => FileStatus::Sound,
            Some(_) if matches!(place, Place::Folder(_)) => FileStatus::Sound,
            Some(expected) => damaged(format!("md5 sum {found_md5} instead of {expected}")),
        };
        Self {
            expected_md5,
            found_md5: Some(found_md5),
            status,
            ..self
        }
    }
}

impl std::fmt::Debug for FileReport {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("FileReport")
            .field("data_set", &self.data_set)
            .field("file", &self.file)
            .field("place", &self.place)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The official sum and the sum found: of the compressed file if that is the official one,
/// otherwise of the content.
fn sums(official: &OfficialFile, place: &Place) -> io::Result<(Option<&'static str>, String)> {
    let open = || -> io::Result<Box<dyn BufRead>> {
        Ok(match place {
            Place::Box => Box::new(Cursor::new(
                official.boxed.map(|content| content()).unwrap_or_default(),
            )),
            Place::Folder(path) | Place::Cache(path) => Box::new(BufReader::new(File::open(path)?)),
        })
    };
    let mut source = open()?;
    let is_packed = is_packed(&mut source)?;
    let sum = checksum::md5(source)?;
    let Some(packed) = official.packed.as_ref().filter(|_| is_packed) else {
        return Ok((official.plain_md5, sum));
    };
    match official.plain_md5 {
        Some(plain_md5) if sum != packed.md5 => {
            let content = checksum::md5(BufReader::new(GzDecoder::new(open()?)))?;
            Ok((Some(plain_md5), content))
        }
        _ => Ok((Some(packed.md5), sum)),
    }
}

#[cfg(all(test, feature = "mnist"))]
mod tests {
    use super::*;

    #[test]
    fn bundled_files_are_official_and_the_others_are_missing() {
        let reports = inventory(&DataFolders::default()).expect("no folder to read");
        let names: Vec<&str> = reports.iter().map(|report| report.file).collect();
        assert_eq!(names[0], "train-images-idx3-ubyte");
        assert_eq!(
            names[8..],
            ["cifar-10-binary.tar.gz", "cifar-100-binary.tar.gz"]
        );
        for report in reports {
            let report = report.verified();
            if report.data_set == DataSet::Mnist {
                assert_eq!(report.place, Some(Place::Box));
                assert_eq!(report.status, FileStatus::Official);
                assert_eq!(report.expected_md5, report.found_md5.as_deref());
            } else {
                assert_eq!(report.place, None);
                assert_eq!(report.status, FileStatus::Missing);
            }
        }
    }
}
