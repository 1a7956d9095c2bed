use std::{
    fs::{self, File},
    io::BufReader,
    path::Path,
};

use crate::Error;

use super::{
    DataFolders, DataSet, checksum,
    official::{Form, OfficialFile},
};

/// Progress of the download of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownloadProgress {
    /// The file.
    pub file: &'static str,
    /// Bytes received so far.
    pub received: u64,
    /// Size of the whole file in bytes, if the server reports it.
    pub total: Option<u64>,
}

/// Downloads the files of `data_set` that are missing in the cache or do not have the official md5
/// sum.
///
/// Tries the mirrors in order. A broken download starts over. A file gets its final name only if
/// its md5 sum is right. Processes that fetch at the same time wait for each other. Does nothing for
/// a data set that is included in the program, as MNIST is with the feature `mnist`.
///
/// # Errors
///
/// [`Error::Download`], which names every address tried and what to do without a network;
/// [`Error::Io`] if the cache cannot be written.
pub fn fetch(
    data_set: DataSet,
    folders: &DataFolders,
    progress: &mut dyn FnMut(DownloadProgress),
) -> Result<(), Error> {
    if data_set.is_in_the_box() {
        return Ok(());
    }
    let refused = |attempts: String| Error::Download {
        data_set: data_set.title(),
        attempts,
        remedy: folders.remedy(data_set),
    };
    let Some(folder) = folders.cache_of(data_set) else {
        let reason = "there is no cache, because this user has no home folder";
        return Err(refused(reason.to_string()));
    };
    let _lock = lock(&folder)?;
    fetch_form(data_set.row().main_form(), &folder, progress)?
        .map_err(|attempts| refused(attempts.join("; ")))
}

/// The inner error has a line per address, for the first file that no address served.
fn fetch_form(
    form: &Form,
    folder: &Path,
    progress: &mut dyn FnMut(DownloadProgress),
) -> Result<Result<(), Vec<String>>, Error> {
    for file in missing(form, folder)? {
        let name = file.served_name();
        let target = folder.join(&name);
        let urls: Vec<String> = form
            .mirrors
            .iter()
            .map(|mirror| mirror.replace("{file}", &name))
            .collect();
        let mut observe = |received, total| {
            progress(DownloadProgress {
                file: file.name,
                received,
                total,
            });
        };
        if let Err(attempts) = download(&urls, &target, file, &mut observe)? {
            return Ok(Err(attempts));
        }
        log::info!("downloaded {}", target.display());
    }
    Ok(Ok(()))
}

/// The files of `form` that are missing in `folder` or do not have their official sums.
fn missing(form: &Form, folder: &Path) -> Result<Vec<&'static OfficialFile>, Error> {
    let mut missing = Vec::new();
    for file in form.files {
        if !holds_official(&folder.join(file.served_name()), file)? {
            missing.push(file);
        }
    }
    Ok(missing)
}

/// The outer error is a problem on this computer; the inner one says what was wrong with each
/// mirror.
#[cfg(feature = "download")]
fn download(
    urls: &[String],
    target: &Path,
    file: &OfficialFile,
    observe: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Result<(), Vec<String>>, Error> {
    use super::http::{Download, agent};

    let job = Download {
        urls,
        target,
        md5: file.served_md5().unwrap_or_default(),
        max_size: file.max_size() + PACKING_OVERHEAD,
    };
    job.run(&agent(), observe)
}

#[cfg(not(feature = "download"))]
fn download(
    urls: &[String],
    _target: &Path,
    _file: &OfficialFile,
    _observe: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Result<(), Vec<String>>, Error> {
    let mut attempts =
        vec!["this program was built without the cargo feature download".to_string()];
    attempts.extend(urls.iter().map(|url| format!("{url}: not tried")));
    Ok(Err(attempts))
}

/// The lock is held until the file is dropped or the process ends.
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join(LOCK_NAME);
    fs::create_dir_all(folder)
        .and_then(|()| File::create(&path))
        .and_then(|file| file.lock().map(|()| file))
        .map_err(Error::io("write", &path))
}

fn holds_official(path: &Path, file: &OfficialFile) -> Result<bool, Error> {
    if !path.is_file() {
        return Ok(false);
    }
    File::open(path)
        .and_then(|opened| checksum::md5(BufReader::new(opened)))
        .map(|sum| file.served_md5() == Some(sum.as_str()))
        .map_err(Error::io("read", path))
}

const LOCK_NAME: &str = ".lock";
/// More than gzip ever adds to a file of incompressible bytes, in bytes.
#[cfg(feature = "download")]
const PACKING_OVERHEAD: u64 = 1 << 16;
