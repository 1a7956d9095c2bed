use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::slice;
use std::time::SystemTime;

use log::warn;

use crate::replace_file::replace;
use crate::{Error, read_toml, resolve_device};

use super::checkpoint::Checkpoints;
use super::{Condition, Experiment, ExperimentConfig, RequiredPrecision, RunRecord, Shard};
pub use lock::FolderLock;
use lock::{Lock, ShardLock};
use records::is_run;
pub use results::refuse_results;
use results::runs_in;
pub use status::ConditionStatus;

mod checkpoints;
mod difference;
mod lock;
mod merge;
mod records;
mod results;
mod stamp;
mod status;

const CONFIG: &str = "config.toml";

/// Folder of one experiment: its `config.toml`, and `runs.jsonl` with one line per finished run.
///
/// Either one program writes in it: [`create`](Self::create), [`resume`](Self::resume) and the first
/// [`append`](Self::append) take a lock. Or several programs do, each another [`Shard`] of the runs: [`join`](Self::join)
/// takes a lock of that shard, and its runs go to a separate file, such as `runs.2-of-8.jsonl`. The system releases locks
/// when the program ends for whatever reason. Reading needs none, and reads the files of all.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    config: ExperimentConfig,
    /// `None` if all runs are this program's.
    shard: Option<Shard>,
    lock: Option<Lock>,
}

impl RunFolder {
    /// Creates the folder of a new experiment: `config.output_dir`, or `<root>/<experiment>/<UTC stamp of now>` if that
    /// is `None`. Fixes the number of threads for all runs of the folder.
    ///
    /// # Errors
    ///
    /// [`Error::FolderInUse`] if `config.output_dir` already holds a run, [`Error::FolderBusy`] if
    /// another program writes there, [`Error::Io`] if it cannot be created, and the errors of
    /// [`ExperimentConfig::validate`] and [`resolve_device`].
    pub fn create(config: ExperimentConfig, root: &Path, now: SystemTime) -> Result<Self, Error> {
        config.validate()?;
        let config = on_this_machine(config)?;
        let path = match &config.output_dir {
            Some(path) => {
                fs::create_dir_all(path).map_err(Error::io("create", path))?;
                path.clone()
            }
            None => new_stamped_folder(&root.join(config.experiment.name()), now)?,
        };
        let mut folder = Self::new(path, config, None);
        folder.lock()?;
        folder.begin()?;
        Ok(folder)
    }

    /// Does one shard of an experiment in the folder `path`, which the others may do at the same time. The first one
    /// creates the folder and decides the number of threads for all runs. The same call resumes an interrupted shard.
    ///
    /// While other shards are at work, `config` must be the folder's config, except for `num_jobs` and `num_replicas`.
    /// Otherwise the rules of [`resume`](Self::resume) hold.
    ///
    /// # Errors
    ///
    /// [`Error::ShardBusy`] if another program does this shard, or one of another number of shards, and [`Error::FolderBusy`]
    /// if one does all runs. Also those of [`create`](Self::create) and [`resume`](Self::resume).
    pub fn join(path: &Path, config: ExperimentConfig, shard: Shard) -> Result<Self, Error> {
        config.validate()?;
        let config = on_this_machine(config)?;
        fs::create_dir_all(path).map_err(Error::io("create", path))?;
        let stored = path.join(CONFIG);
        match Lock::of_shard(path, shard, || stored.exists())? {
            ShardLock::Beside(lock) => {
                let mut folder = Self::open(path)?;
                let given = folder.merged(&folder.config, config)?;
                folder.refuse(folder.config.differences_beside(&given))?;
                folder.config = given;
                folder.shard = Some(shard);
                folder.lock = Some(lock);
                folder.remove_leftovers()?;
                Ok(folder)
            }
            ShardLock::Alone(lock) => {
                let (num_jobs, num_replicas) = (config.num_jobs, config.num_replicas);
                let mut folder = Self::new(path.to_path_buf(), config.clone(), Some(shard));
                // What this machine can do at a time is not the default of the others.
                folder.config.num_jobs = None;
                folder.config.num_replicas = None;
                let config = ExperimentConfig {
                    num_jobs: None,
                    num_replicas: None,
                    ..config
                };
                if stored.exists() {
                    folder.go_on(config)?;
                } else {
                    folder.begin()?;
                }
                folder.lock = Some(lock.share(path)?);
                // Another shard may have been alone for a moment, and may have changed it.
                folder.refuse(read_config(path)?.differences_beside(&folder.config))?;
                folder.config.num_jobs = num_jobs.or(folder.config.num_jobs);
                folder.config.num_replicas = num_replicas.or(folder.config.num_replicas);
                Ok(folder)
            }
        }
    }

    /// The folder of an experiment that begins. Nothing is written yet.
    fn new(path: PathBuf, config: ExperimentConfig, shard: Option<Shard>) -> Self {
        Self {
            path,
            // The stored config serves to repeat the experiment, which must happen in another
            // folder.
            config: ExperimentConfig {
                output_dir: None,
                num_threads: config.num_threads(),
                ..config
            },
            shard,
            lock: None,
        }
    }

    /// Makes it a run folder, if it is none.
    fn begin(&self) -> Result<(), Error> {
        refuse_results(&self.path)?;
        if let Some(records) = records::files(&self.path)?.first() {
            return Err(Error::Config(format!(
                "{} is of a run whose {CONFIG} is lost: restore it to go on, or choose another folder",
                records.display()
            )));
        }
        self.write_config()
    }

    /// Opens a folder to read it.
    ///
    /// # Errors
    ///
    /// [`Error::NotARun`] if there is no `config.toml` in `path`, [`Error::ConfigFile`] if it is
    /// not a valid one, and [`Error::Io`] if it cannot be read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            path: path.to_path_buf(),
            config: read_config(path)?,
            shard: None,
            lock: None,
        })
    }

    /// Resumes an interrupted experiment, or adds seeds to a finished one.
    ///
    /// `config` must be the folder's config, with these exceptions: `num_seeds` may be larger, and `num_jobs`,
    /// `num_replicas`, `checkpoint_seconds`, `data_dir` and `images`, which say how and where it runs, may differ. `images`
    /// must be a folder with the same images. The number of threads stays the same. An old folder may not store it. Then it
    /// takes the number of its checkpoints, otherwise the given one, otherwise the cores / `num_jobs`, and logs a warning.
    ///
    /// # Errors
    ///
    /// [`Error::ConfigDiffers`], which names every differing key with both values, and [`Error::ThreadsDiffer`]; both
    /// leave the folder unchanged. Also those of [`open`](Self::open), [`create`](Self::create) and
    /// [`records`](Self::records).
    pub fn resume(&mut self, config: ExperimentConfig) -> Result<(), Error> {
        config.validate()?;
        let config = on_this_machine(config)?;
        self.lock()?;
        self.go_on(config)
    }

    /// Takes over a config that was given to go on with the stored one.
    fn go_on(&mut self, config: ExperimentConfig) -> Result<(), Error> {
        let stored = read_config(&self.path)?;
        self.config = self.merged(&stored, config)?;
        if self.config != stored {
            self.write_config()?;
        }
        self.remove_leftovers()
    }

    /// The stored config with what the given one may change.
    fn merged(
        &self,
        stored: &ExperimentConfig,
        config: ExperimentConfig,
    ) -> Result<ExperimentConfig, Error> {
        self.refuse(stored.differences(&config))?;
        let num_threads = self.threads_to_go_on_with(stored, config.num_threads)?;
        Ok(ExperimentConfig {
            num_seeds: config.num_seeds,
            num_threads,
            matmul_precision: match config.matmul_precision {
                RequiredPrecision::Any => RequiredPrecision::Any,
                RequiredPrecision::Exact => stored.matmul_precision,
            },
            num_jobs: config.num_jobs.or(stored.num_jobs),
            num_replicas: config.num_replicas.or(stored.num_replicas),
            checkpoint_seconds: config.checkpoint_seconds.or(stored.checkpoint_seconds),
            data_dir: config.data_dir.or(stored.data_dir.clone()),
            images: config.images.or(stored.images.clone()),
            ..stored.clone()
        })
    }

    fn refuse(&self, differences: Vec<String>) -> Result<(), Error> {
        if differences.is_empty() {
            Ok(())
        } else {
            Err(Error::ConfigDiffers {
                path: self.path.clone(),
                differences: differences.join("; "),
            })
        }
    }

    /// The number of threads for the remaining runs, if it matters on the device.
    fn threads_to_go_on_with(
        &self,
        stored: &ExperimentConfig,
        given: Option<usize>,
    ) -> Result<Option<usize>, Error> {
        if !stored.keeps_to_its_threads() {
            return Ok(None);
        }
        let known = stored.num_threads.or_else(|| self.checkpointed_threads());
        if let (Some(stored), Some(given)) = (known, given)
            && stored != given
        {
            return Err(Error::ThreadsDiffer {
                path: self.path.clone(),
                stored,
                given,
            });
        }
        let num_threads = known.or(given).unwrap_or_else(|| stored.share_of_cores());
        if stored.num_threads.is_none() {
            let reason = match (known, given) {
                (Some(_), _) => "as in its checkpoints",
                (None, Some(_)) => "as asked for",
                (None, None) => "which is the cores of this machine / num_jobs",
            };
            warn!(
                "{} does not store the number of threads of its runs; they continue with {num_threads}, {reason}",
                self.path.display()
            );
        }
        Ok(Some(num_threads))
    }

    /// The number of threads that the checkpoints of a run here were written with, if there are any.
    fn checkpointed_threads(&self) -> Option<usize> {
        let mut runs = self.config.runs().into_iter();
        runs.find_map(|(condition, seed)| {
            Checkpoints::num_threads(&self.checkpoints(&condition, seed).folder)
        })
    }

    /// The newest folder of `experiment` under `root` whose runs are not all done.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open) and [`missing`](Self::missing). Folders without a
    /// `config.toml` are skipped.
    pub fn newest_unfinished(
        root: &Path,
        experiment: Experiment,
    ) -> Result<Option<PathBuf>, Error> {
        let parent = root.join(experiment.name());
        if !parent.exists() {
            return Ok(None);
        }
        let mut paths = Vec::new();
        for entry in fs::read_dir(&parent).map_err(Error::io("read", &parent))? {
            paths.push(entry.map_err(Error::io("read", &parent))?.path());
        }
        // Stamps sort by time.
        paths.sort();
        for path in paths.into_iter().rev() {
            if path.join(CONFIG).exists() && !Self::open(&path)?.missing()?.is_empty() {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The experiment, with `output_dir` left out.
    pub fn config(&self) -> &ExperimentConfig {
        &self.config
    }

    /// The finished runs of all programs that have written here: first those in `runs.jsonl`, then those of each shard, in
    /// the order in which they finished there. A run that is there several times counts once.
    ///
    /// A last line that a crash cut short does not count as a finished run and is not an error. A parameter that did not
    /// exist yet when a record was written has the value of the config.
    ///
    /// # Errors
    ///
    /// [`Error::Record`], which names the line, for a record that is damaged or does not belong to the config;
    /// [`Error::RunsDiffer`] for a run that is there twice with different results; [`Error::Io`] if a file cannot be read.
    pub fn records(&self) -> Result<Vec<RunRecord>, Error> {
        records::union(&self.record_files()?, &self.config.runs())
    }

    /// The files with the finished runs, one per writer.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the folder cannot be read.
    pub fn record_files(&self) -> Result<Vec<PathBuf>, Error> {
        records::files(&self.path)
    }

    /// Adds a finished run. Returns when it is safely on the disk and its checkpoints are removed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be written, and [`Error::FolderBusy`] if another program writes
    /// there.
    pub fn append(&mut self, record: &RunRecord) -> Result<(), Error> {
        self.append_all(slice::from_ref(record))
    }

    /// Adds finished runs that were trained at once, in that order. Returns when they are safely on the disk and their
    /// checkpoints are removed. After a crash, only the first ones of them may be there.
    ///
    /// # Errors
    ///
    /// Those of [`append`](Self::append).
    pub fn append_all(&mut self, records: &[RunRecord]) -> Result<(), Error> {
        self.lock()?;
        records::append(&self.path.join(records::name(self.shard)), records)?;
        self.remove_checkpoints(records)
    }

    /// The runs of the whole experiment that are still to do, seed by seed.
    ///
    /// # Errors
    ///
    /// Those of [`records`](Self::records).
    pub fn missing(&self) -> Result<Vec<(Condition, u64)>, Error> {
        self.unfinished(self.config.runs())
    }

    /// The runs that this program still has to do, seed by seed: those of its shard, otherwise all that are missing.
    ///
    /// # Errors
    ///
    /// Those of [`records`](Self::records).
    pub fn to_do(&self) -> Result<Vec<(Condition, u64)>, Error> {
        self.unfinished(self.share())
    }

    fn unfinished(&self, mut runs: Vec<(Condition, u64)>) -> Result<Vec<(Condition, u64)>, Error> {
        let records = self.records()?;
        runs.retain(|(condition, seed)| {
            !records
                .iter()
                .any(|record| is_run(record, condition, *seed))
        });
        Ok(runs)
    }

    /// The runs of this program, finished or not: those of its shard, otherwise all.
    pub fn share(&self) -> Vec<(Condition, u64)> {
        let mut runs = self.config.runs();
        if let Some(shard) = self.shard {
            let seeds: Vec<u64> = shard.seeds(&self.config).collect();
            runs.retain(|(_, seed)| seeds.contains(seed));
        }
        runs
    }

    fn lock(&mut self) -> Result<(), Error> {
        if self.lock.is_none() {
            self.lock = Some(Lock::of_all(&self.path)?);
        }
        Ok(())
    }

    fn write_config(&self) -> Result<(), Error> {
        // Without locks, several shards may be here at the same time.
        replace(&self.path, CONFIG, self.config.to_toml().as_bytes()).map(|_| ())
    }
}

/// Creates a new folder named after the time `now`: `parent/<UTC stamp>`, or `parent/<UTC stamp>-2`
/// and so on if that exists.
///
/// # Errors
///
/// [`Error::Io`], which names the folder, if it cannot be created.
pub fn new_stamped_folder(parent: &Path, now: SystemTime) -> Result<PathBuf, Error> {
    let name = stamp::utc_stamp(now);
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    let mut path = parent.join(&name);
    let mut count = 1;
    loop {
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                count += 1;
                path = parent.join(format!("{name}-{count}"));
            }
            Err(error) => return Err(Error::io("create", &path)(error)),
        }
    }
}

fn read_config(folder: &Path) -> Result<ExperimentConfig, Error> {
    let path = folder.join(CONFIG);
    if !path.exists() {
        return Err(Error::NotARun {
            path: folder.to_path_buf(),
            inside: runs_in(folder),
        });
    }
    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
    experiment_of(&text)
        .and_then(|experiment| ExperimentConfig::from_toml(experiment, &text))
        .and_then(on_this_machine)
        .map_err(|source| Error::ConfigFile {
            path,
            source: Box::new(source),
        })
}

/// The config with the name of the actual device instead of `auto`, so that stored results name their device.
fn on_this_machine(config: ExperimentConfig) -> Result<ExperimentConfig, Error> {
    let device = resolve_device(&config.device)?;
    Ok(ExperimentConfig { device, ..config })
}

/// The experiment named in a config. It decides the defaults of the other keys.
fn experiment_of(text: &str) -> Result<Experiment, Error> {
    #[derive(serde::Deserialize)]
    struct Named {
        experiment: Experiment,
    }
    read_toml(text).map(|named: Named| named.experiment)
}

#[cfg(test)]
mod tests;
