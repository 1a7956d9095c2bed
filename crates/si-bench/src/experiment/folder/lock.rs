use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::Error;

use super::super::Shard;

/// The file that every writer locks: alone if it does all runs, together with the others if it does a shard.
const LOCK: &str = ".lock";
/// How often a shard tries to get a lock. Others hold some of them only for a moment.
const NUM_TRIES: usize = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// What keeps other programs from writing what this one writes.
///
/// Locks belong to open files. The system releases them when the program ends for whatever reason.
#[derive(Debug)]
pub(super) struct Lock {
    folder: File,
    /// That of the shard, which is only held.
    _shard: Option<File>,
}

/// Keeps other programs from doing the same in a folder that holds several run folders, as long as it exists.
#[derive(Debug)]
pub struct FolderLock {
    _lock: Lock,
}

impl FolderLock {
    /// Locks a folder.
    ///
    /// # Errors
    ///
    /// [`Error::FolderBusy`] if another program has locked it, and [`Error::Io`] if its lock file cannot be opened.
    pub fn hold(folder: &Path) -> Result<Self, Error> {
        Lock::of_all(folder).map(|lock| Self { _lock: lock })
    }

    /// Locks a folder. If another program has locked it, waits for two seconds at most.
    ///
    /// # Errors
    ///
    /// Those of [`hold`](Self::hold).
    pub fn wait(folder: &Path) -> Result<Self, Error> {
        let try_once = || match Self::hold(folder) {
            Err(Error::FolderBusy { .. }) => Ok(None),
            held => held.map(Some),
        };
        try_often(try_once)?.ok_or_else(|| busy(folder))
    }
}

/// The folder's lock for a shard.
pub(super) enum ShardLock {
    /// No other program writes in the folder. The others wait for [`Lock::share`].
    Alone(Lock),
    /// Other shards are at work.
    Beside(Lock),
}

impl Lock {
    /// The lock of a program that does all runs.
    pub(super) fn of_all(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(LOCK);
        let file = open(&path)?;
        if is_taken(file.try_lock(), &path)? {
            Ok(Self {
                folder: file,
                _shard: None,
            })
        } else {
            Err(busy(folder))
        }
    }

    /// The lock of a program that does one shard. `is_ready` says whether shards may join the folder.
    pub(super) fn of_shard(
        folder: &Path,
        shard: Shard,
        is_ready: impl Fn() -> bool,
    ) -> Result<ShardLock, Error> {
        let own = hold_shard(folder, shard)?;
        // Comes second: of two programs that begin at the same time, at least one sees the other.
        refuse_overlap(folder, shard)?;
        let path = folder.join(LOCK);
        let file = open(&path)?;
        let held = try_often(|| {
            if is_taken(file.try_lock(), &path)? {
                return Ok(Some(true));
            }
            if is_taken(file.try_lock_shared(), &path)? {
                if is_ready() {
                    return Ok(Some(false));
                }
                file.unlock().map_err(Error::io("unlock", &path))?;
            }
            Ok(None)
        })?;
        let lock = Self {
            folder: file,
            _shard: Some(own),
        };
        match held {
            Some(true) => Ok(ShardLock::Alone(lock)),
            Some(false) => Ok(ShardLock::Beside(lock)),
            None => Err(busy(folder)),
        }
    }

    /// Lets other shards in.
    pub(super) fn share(self, folder: &Path) -> Result<Self, Error> {
        let path = folder.join(LOCK);
        match self.folder.unlock() {
            Err(error) if is_unsupported(&error) => return Ok(self),
            result => result.map_err(Error::io("unlock", &path))?,
        }
        let shared = || {
            let is_taken = is_taken(self.folder.try_lock_shared(), &path)?;
            Ok(is_taken.then_some(()))
        };
        match try_often(shared)? {
            Some(()) => Ok(self),
            None => Err(busy(folder)),
        }
    }
}

/// Locks the file of one shard.
fn hold_shard(folder: &Path, shard: Shard) -> Result<File, Error> {
    let path = folder.join(name(shard));
    let file = open(&path)?;
    let held = try_often(|| Ok(is_taken(file.try_lock(), &path)?.then_some(())))?;
    held.map(|()| file)
        .ok_or_else(|| shard_busy(folder, shard, shard))
}

/// Refuses to begin while a shard of another division is at work, which may have the same runs.
fn refuse_overlap(folder: &Path, shard: Shard) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        let other = entry.file_name().to_str().and_then(shard_of);
        let Some(other) = other.filter(|other| other.count() != shard.count()) else {
            continue;
        };
        let path = entry.path();
        let file = open(&path)?;
        let is_idle = || Ok(is_taken(file.try_lock_shared(), &path)?.then_some(()));
        if try_often(is_idle)?.is_none() {
            return Err(shard_busy(folder, other, shard));
        }
    }
    Ok(())
}

fn name(shard: Shard) -> String {
    format!("{LOCK}.{}-of-{}", shard.index(), shard.count())
}

/// The shard whose lock has this name.
fn shard_of(name: &str) -> Option<Shard> {
    let (index, count) = name
        .strip_prefix(LOCK)?
        .strip_prefix('.')?
        .split_once("-of-")?;
    Shard::new(index.parse().ok()?, count.parse().ok()?).ok()
}

/// Some network file systems grant a lock only on a file that is open for reading and writing.
fn open(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path).map_err(Error::io("write", path))
}

/// Whether this program has the lock now. Some network file systems do not support locks; they are used without one.
fn is_taken(result: Result<(), TryLockError>, path: &Path) -> Result<bool, Error> {
    match result {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) if is_unsupported(&error) => Ok(true),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", path)(error)),
    }
}

/// Whether this means that the file system has no locks.
fn is_unsupported(error: &io::Error) -> bool {
    /// What network file systems say whose lock service does not run.
    const ENOLCK: i32 = 37;
    let has_no_service = cfg!(target_os = "linux") && error.raw_os_error() == Some(ENOLCK);
    has_no_service || error.kind() == ErrorKind::Unsupported
}

/// The first result of `attempt`. `None` if there is none in about two seconds.
fn try_often<T>(attempt: impl Fn() -> Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    for num_tries in 1..=NUM_TRIES {
        if let Some(result) = attempt()? {
            return Ok(Some(result));
        }
        if num_tries < NUM_TRIES {
            thread::sleep(BETWEEN_TRIES);
        }
    }
    Ok(None)
}

fn busy(folder: &Path) -> Error {
    Error::FolderBusy {
        path: folder.to_path_buf(),
    }
}

fn shard_busy(folder: &Path, busy: Shard, wanted: Shard) -> Error {
    Error::ShardBusy {
        path: folder.to_path_buf(),
        busy,
        wanted,
    }
}
