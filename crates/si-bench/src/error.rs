use std::path::PathBuf;

/// What can go wrong with data sets, experiments and their files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration file that cannot be read as one.
    #[error("{0}")]
    Config(String),
    /// A value outside its range.
    #[error("{key} must be {expected}, got {value}")]
    Value {
        /// The key in the configuration file.
        key: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A matrix that does not hold accuracies.
    #[error("accuracies must be a square matrix of numbers in [0, 1], got {0}")]
    Accuracy(String),
    /// Results that do not fit together.
    #[error("{0}")]
    Records(String),
    /// A figure that could not be drawn.
    #[error("cannot draw the figure: {0}")]
    Figure(String),
    /// A file that could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// `read`, `write` or what else was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A configuration file whose content is not valid.
    #[error("{} is not a valid configuration", path.display())]
    ConfigFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<Error>,
    },
    /// A new experiment in the folder of another.
    #[error("{} already holds a run: go on with it by --resume {}, or name another folder", path.display(), path.display())]
    FolderInUse {
        /// The folder.
        path: PathBuf,
    },
    /// A folder in which another program is writing.
    #[error("another program is writing in {}: wait for it, or name another folder", path.display())]
    FolderBusy {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that is not one of a run.
    #[error("{} holds no run: there is no config.toml in it", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// A run that is resumed with another configuration.
    #[error("cannot go on in {} with other settings: {differences}", path.display())]
    ConfigDiffers {
        /// The folder.
        path: PathBuf,
        /// Each differing key with both values.
        differences: String,
    },
    /// A run that is resumed with another number of threads.
    #[error(
        "{} was begun with {stored} thread(s), and num_threads = {given} can change the last bits of its results: \
         leave --threads out to go on, or begin a run with it in another folder",
        path.display()
    )]
    ThreadsDiffer {
        /// The folder.
        path: PathBuf,
        /// What it was begun with.
        stored: usize,
        /// What is asked for.
        given: usize,
    },
    /// A line of `runs.jsonl` that cannot be used.
    #[error("line {line} of {} is damaged: {reason}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint that cannot be used.
    #[error("cannot go on from {}: {reason}; remove it to begin this run anew", path.display())]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A device that does not exist.
    #[error("no device is called {name:?}; there are {known}")]
    UnknownDevice {
        /// What was asked for.
        name: String,
        /// The names of the backends.
        known: String,
    },
    /// A device's name with something other than its number behind the colon.
    #[error(
        "{name:?} is no device: behind the colon stands its number, counted from 0, as in \"{backend}:0\""
    )]
    DeviceNumber {
        /// What was asked for.
        name: String,
        /// Its backend.
        backend: &'static str,
    },
    /// A device whose backend this program was built without.
    #[error(
        "{backend} is not compiled in: build with its feature, as in `cargo run -p si-cli --features {backend}`"
    )]
    DeviceNotCompiled {
        /// The backend, which is also the feature.
        backend: &'static str,
    },
    /// No backend has a device here.
    #[error(
        "auto finds neither a GPU nor a CPU backend: name a device by --device, or build with the feature flex"
    )]
    NoDevice,
    /// A device that this machine does not have.
    #[error("{}", not_found(name, backend, *found))]
    DeviceNotFound {
        /// What was asked for.
        name: String,
        /// Its backend.
        backend: &'static str,
        /// How many devices the backend finds.
        found: usize,
    },
    /// An error of the regularizer.
    #[error(transparent)]
    Synaptic(#[from] si_core::Error),
    /// A file of a data set that is damaged, cut off, or another one's.
    #[error(
        "{} must hold {expected}, found {found}; replace it, or remove it and download it again",
        path.display()
    )]
    DataFile {
        /// The file.
        path: PathBuf,
        /// What the data set has there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Files of a data set that are in no folder.
    #[error("cannot find {files} of {data_set}; {remedy}")]
    DataMissing {
        /// The data set.
        data_set: &'static str,
        /// Names of the missing files.
        files: String,
        /// What to do.
        remedy: String,
    },
    /// Files that no mirror served.
    #[error("cannot download {data_set} ({attempts}); without a network, {remedy}")]
    Download {
        /// The data set.
        data_set: &'static str,
        /// Every address tried, with what was wrong there.
        attempts: String,
        /// What to do.
        remedy: String,
    },
    /// Pixels and labels that do not make labelled images.
    #[error("images must have {expected}, got {found}")]
    Images {
        /// What belongs together.
        expected: String,
        /// What was given.
        found: String,
    },
    /// Classes that cannot be split into tasks as asked.
    #[error("classes_per_task must have {expected}, got {found}")]
    Tasks {
        /// What is possible.
        expected: String,
        /// What was asked for.
        found: String,
    },
}

fn not_found(name: &str, backend: &str, found: usize) -> String {
    match found {
        0 => format!(
            "{name:?} is not on this machine: {backend} finds no device; install its driver, or name a device that \
             `si devices` lists"
        ),
        _ => format!(
            "{name:?} is not on this machine, where {backend} has {found} in all, counted from 0: `si devices` lists \
             them"
        ),
    }
}
