use std::io;
use std::path::{Path, PathBuf};

use burn::tensor::ExecutionError;
use si_core::MatmulPrecision;

use crate::experiment::Shard;

/// What can go wrong with data sets, experiments and their files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration or a request that is not valid.
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
        expected: String,
    },
    /// Results that cannot be read or combined.
    #[error("{0}")]
    Records(String),
    /// A figure that could not be drawn.
    #[error("cannot draw the figure: {0}")]
    Figure(String),
    /// A file that could not be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, such as `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
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
    #[error("{} already holds {what} ({file}): go on with it by --resume {}, or choose another folder", path.display(), path.display())]
    FolderInUse {
        /// The folder.
        path: PathBuf,
        /// What it holds, in words.
        what: &'static str,
        /// The file that says so.
        file: &'static str,
    },
    /// A folder in which another program is writing.
    #[error("another program is writing in {}: wait for it, or choose another folder", path.display())]
    FolderBusy {
        /// The folder.
        path: PathBuf,
    },
    /// A shard of a folder whose runs another program is doing.
    #[error("another program is doing shard {busy} in {}: {}", path.display(), way_out(*busy, *wanted))]
    ShardBusy {
        /// The folder.
        path: PathBuf,
        /// What the other program does.
        busy: Shard,
        /// What this program should do.
        wanted: Shard,
    },
    /// A folder that is not a run folder.
    #[error("{} is not a run folder: it has no config.toml{}", path.display(), but_inside(inside))]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// The run folders in it.
        inside: Vec<PathBuf>,
    },
    /// A run that is resumed with another configuration.
    #[error("cannot resume {} with other settings: {differences}", path.display())]
    ConfigDiffers {
        /// The folder.
        path: PathBuf,
        /// Each key that differs, with both values.
        differences: String,
    },
    /// A run that is resumed with another number of threads.
    #[error(
        "{} was started with {stored} thread(s), and num_threads = {given} can change the last digits of its results: \
         resume without --threads, or start a new run in another folder",
        path.display()
    )]
    ThreadsDiffer {
        /// The folder.
        path: PathBuf,
        /// The number that it was started with.
        stored: usize,
        /// The number asked for now.
        given: usize,
    },
    /// Folders that hold different experiments, and so cannot be merged.
    #[error("{} and {} hold different experiments: {differences}", first.display(), second.display())]
    ExperimentsDiffer {
        /// A folder.
        first: PathBuf,
        /// Another one.
        second: PathBuf,
        /// Each key that differs, with both values.
        differences: String,
    },
    /// A run that is stored twice, with different results.
    #[error(
        "condition {condition:?} with seed {seed} has other results in line {} of {} than in line {} of {}: remove one of \
         the two lines",
        second.1, second.0.display(), first.1, first.0.display()
    )]
    RunsDiffer {
        /// The condition's name.
        condition: String,
        /// The seed.
        seed: u64,
        /// The file and the line, from 1, of the run that is read first.
        first: (PathBuf, usize),
        /// Those of the other one.
        second: (PathBuf, usize),
    },
    /// A line of a file with records that cannot be used.
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
    #[error("cannot resume from {}: {reason}; remove it to start this run over", path.display())]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A device that does not exist.
    #[error("there is no device {name:?}; known names are {known}")]
    UnknownDevice {
        /// The name asked for.
        name: String,
        /// The names of the backends.
        known: String,
    },
    /// A device's name with something other than a number after the colon.
    #[error(
        "{name:?} is not a device: after the colon, give a number counted from 0, as in \"{backend}:0\""
    )]
    DeviceNumber {
        /// The name asked for.
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
        "auto finds neither a GPU nor a CPU backend: choose a device with --device, or build with the feature flex"
    )]
    NoDevice,
    /// A device that this machine does not have.
    #[error("{}", not_found(name, backend, *found))]
    DeviceNotFound {
        /// The name asked for.
        name: String,
        /// Its backend.
        backend: &'static str,
        /// How many devices the backend finds.
        found: usize,
    },
    /// A database for compiled kernels that cannot be used.
    #[error(
        "compiled kernels cannot be kept in {}, so each process compiles and tunes its own: {reason}; name another folder \
         with the variable SI_KERNEL_CACHE, or turn this off with SI_KERNEL_CACHE=off",
        file.display()
    )]
    Kernels {
        /// The database.
        file: PathBuf,
        /// What failed.
        reason: String,
    },
    /// A device that failed in a training step.
    #[error(
        "{device} cannot do a training step: update its driver, or choose another device from `si devices`"
    )]
    Step {
        /// The device.
        device: String,
        /// Burn's error.
        #[source]
        source: ExecutionError,
    },
    /// A device whose float32 products are less precise than an experiment requires.
    #[error(
        "float32 products on {device} are {measured} (measured error {:.0e}). Choose another device, such as vulkan, or \
         accept this with --matmul-precision any",
        measured.error
    )]
    MatmulPrecision {
        /// The device.
        device: String,
        /// What was measured.
        measured: MatmulPrecision,
    },
    /// An error of the regularizer.
    #[error(transparent)]
    Synaptic(#[from] si_core::Error),
    /// A file of a data set that is damaged, cut off, or a different file.
    #[error(
        "{} must hold {expected}, found {found}; replace it, or remove it and download it again",
        path.display()
    )]
    DataFile {
        /// The file.
        path: PathBuf,
        /// What the file should hold.
        expected: String,
        /// What it holds.
        found: String,
    },
    /// Files of a data set that are not in any folder.
    #[error("cannot find {files} of {data_set}; {remedy}")]
    DataMissing {
        /// The data set.
        data_set: &'static str,
        /// Names of the missing files.
        files: String,
        /// What to do.
        remedy: String,
    },
    /// Files that could not be downloaded from any address.
    #[error("cannot download {data_set} ({attempts}); without a network, {remedy}")]
    Download {
        /// The data set.
        data_set: &'static str,
        /// Every address tried, with its error.
        attempts: String,
        /// What to do.
        remedy: String,
    },
    /// A folder of a user's own images, or a file in it, that cannot be used.
    #[error("cannot use {}: {reason}", path.display())]
    OwnImages {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder of a user's own images that has changed since its sum was stored.
    #[error(
        "the images in {} have changed: their md5 sum is {found}, and image_set says {stored}; restore them, or start a \
         new run without image_set",
        path.display()
    )]
    ImagesDiffer {
        /// The folder.
        path: PathBuf,
        /// The sum in the configuration.
        stored: String,
        /// The sum now.
        found: String,
    },
    /// Pixels and labels that do not match.
    #[error("images must have {expected}, got {found}")]
    Images {
        /// What is needed.
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

impl Error {
    /// Makes [`Error::Io`] of the system's error.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }
}

fn way_out(busy: Shard, wanted: Shard) -> String {
    if busy == wanted {
        "wait for it, or do another shard".to_string()
    } else {
        format!(
            "it may have runs of shard {wanted} too; wait for it, or use shards of {}",
            busy.count()
        )
    }
}

fn but_inside(runs: &[PathBuf]) -> String {
    let runs: Vec<String> = runs.iter().map(|it| it.display().to_string()).collect();
    match &runs[..] {
        [] => String::new(),
        [run] => format!(". There is one in it: {run}"),
        _ => format!(". There are some in it: {}", runs.join(", ")),
    }
}

fn not_found(name: &str, backend: &str, found: usize) -> String {
    match found {
        0 => format!(
            "{name:?} is not on this machine: {backend} finds no device; install its driver, or choose a device from \
             `si devices`"
        ),
        _ => format!(
            "{name:?} is not on this machine: {backend} has {found} device(s), counted from 0; `si devices` lists \
             them"
        ),
    }
}
