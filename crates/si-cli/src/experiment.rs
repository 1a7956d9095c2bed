use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::time::SystemTime;

use anyhow::{Context, anyhow};
use si_bench::experiment::{Experiment, ExperimentConfig, RunFolder, Shard};
use si_bench::{Error, keep_buffers};

use crate::commands::report::report_on;
use crate::commands::worker::WorkerArgs;
use crate::exit::Interrupted;
use crate::interrupt::Interrupt;
use crate::jobs::{Event, Job, Outcome, Pool};
use crate::output;
use crate::output_folder::ROOT;
use crate::progress::Display;
use crate::settings::Settings;
use crate::shard::ShardArgs;

/// The environment variable with the folder of a desktop's sockets.
const DESKTOP_FILES: &str = "XDG_RUNTIME_DIR";

/// Does all runs that the settings ask for and the folder lacks, or those of a shard. Then reports on all of them, unless
/// other shards are not done.
pub(crate) fn run(
    experiment: Experiment,
    settings: &Settings,
    shard: &ShardArgs,
) -> anyhow::Result<()> {
    let base = ExperimentConfig::paper(experiment);
    run_in("", Path::new(ROOT), base, settings, shard.find()?).map(|_| ())
}

/// Like [`run`], with other defaults: `base` for the settings, and `root` as the parent of a new folder
/// if the user names none. Returns the folder, or `None` if runs of other shards are missing. `command` is what the command
/// line has before the experiment's name.
pub(crate) fn run_in(
    command: &str,
    root: &Path,
    base: ExperimentConfig,
    settings: &Settings,
    shard: Option<Shard>,
) -> anyhow::Result<Option<RunFolder>> {
    let mut folder = open(root, base, settings, shard)?;
    let name = folder.config().experiment.name();
    output::note(format_args!("{name} in {}", folder.path().display()));
    let all = resume_command(&format!("{command}{name}"), folder.path());
    let mut resume = all.clone();
    if let Some(shard) = shard {
        if folder.share().is_empty() {
            let num_seeds = folder.config().num_seeds;
            output::note(format_args!(
                "nothing to do: shard {shard} has no seed, because the experiment has {num_seeds} (--seeds); conditions are not \
                 divided"
            ));
            return Ok(None);
        }
        resume = format!("{resume} --shard {shard}");
    }
    match train(&mut folder, &Interrupt::catch()?)? {
        Outcome::Done { num_failed: 0 } => {
            let num_missing = folder.missing()?.len();
            if num_missing == 0 {
                report_on(&folder, folder.path())?;
                return Ok(Some(folder));
            }
            let path = shown(folder.path());
            let report = match command {
                "" => format!("si report {path}"),
                // It does no run then, and prints what the command adds to a report.
                _ => all,
            };
            output::note(format_args!(
                "this shard is done; {num_missing} of {} runs, of other shards, are missing (si status {path}); when they are \
                 done: {report}",
                num_runs(folder.config())
            ));
            Ok(None)
        }
        outcome => Err(unfinished(&folder, &outcome, &resume)?),
    }
}

/// The error of runs that failed or were interrupted. `resume` is the command that resumes them.
pub(crate) fn unfinished(
    folder: &RunFolder,
    outcome: &Outcome,
    resume: &str,
) -> anyhow::Result<anyhow::Error> {
    let num_runs = folder.share().len();
    Ok(match outcome {
        Outcome::Done { num_failed } => {
            anyhow!("{num_failed} of {num_runs} runs failed; to try them again: {resume}")
        }
        Outcome::Interrupted => Interrupted(format!(
            "interrupted with {} of {num_runs} runs complete; to resume: {resume}",
            num_runs - folder.to_do()?.len(),
        ))
        .into(),
    })
}

/// The folder to write in: a new one, or that of `--resume`, whose settings are then the defaults.
fn open(
    root: &Path,
    base: ExperimentConfig,
    settings: &Settings,
    shard: Option<Shard>,
) -> anyhow::Result<RunFolder> {
    let experiment = base.experiment;
    let is_search = base.num_held_out.is_some();
    let Some(resume) = &settings.resume else {
        let config = settings.over(base)?;
        if is_search {
            refuse_choice("sweep", &config)?;
        }
        let Some(shard) = shard else {
            check(&config)?;
            return Ok(RunFolder::create(config, root, SystemTime::now())?);
        };
        let path = config.output_dir.clone().ok_or_else(nowhere)?;
        check(&config)?;
        return Ok(RunFolder::join(&path, config, shard)?);
    };
    let path = resumed(settings, resume.as_ref(), || {
        if shard.is_some() {
            return Err(nowhere().into());
        }
        RunFolder::newest_unfinished(root, experiment)?.ok_or_else(|| {
            let name = experiment.name();
            let root = root.display();
            Error::Config(format!("there is no unfinished run in {root}/{name}")).into()
        })
    })?;
    let mut folder = RunFolder::open(&path)?;
    if folder.config().experiment != experiment {
        return Err(Error::Config(format!(
            "{} is a run of {}, not of {}",
            path.display(),
            folder.config().experiment.name(),
            experiment.name()
        ))
        .into());
    }
    if is_search && folder.config().num_held_out.is_none() {
        return Err(Error::Config(format!(
            "{} is not a sweep, because it tests on the test set; to resume it: si {} --resume {}",
            path.display(),
            experiment.name(),
            path.display()
        ))
        .into());
    }
    let config = settings.over(folder.config().clone())?;
    if is_search {
        refuse_choice("sweep", &config)?;
    }
    check(&config)?;
    match shard {
        Some(shard) => folder = RunFolder::join(&path, config, shard)?,
        None => folder.resume(config)?,
    }
    Ok(folder)
}

/// Refuses to choose strengths task by task in a command that searches for them itself.
pub(crate) fn refuse_choice(command: &str, config: &ExperimentConfig) -> Result<(), Error> {
    if config.choose_strength.is_fixed() {
        return Ok(());
    }
    let experiment = config.experiment.name();
    Err(Error::Config(format!(
        "{command} finds strengths by its own search: leave out choose_strength, or use `si {experiment} --choose chf`"
    )))
}

/// The error of a shard that does not know the others' folder.
pub(crate) fn nowhere() -> Error {
    Error::Config(
        "--shard needs the folder that all shards share: give each the same --out DIR".to_string(),
    )
}

/// The folder that `--resume` means: `resume`, or that of `--out`, otherwise the `newest` unfinished one.
pub(crate) fn resumed(
    settings: &Settings,
    resume: Option<&PathBuf>,
    newest: impl FnOnce() -> anyhow::Result<PathBuf>,
) -> anyhow::Result<PathBuf> {
    match (resume, settings.output_dir()) {
        (Some(resume), Some(output_dir)) if resume != output_dir => Err(Error::Config(format!(
            "--resume {} and --out {} name different folders",
            resume.display(),
            output_dir.display()
        ))
        .into()),
        (Some(path), _) | (None, Some(path)) => Ok(path.clone()),
        (None, None) => newest(),
    }
}

/// The run folder `path` with the settings `config`, to do all runs or those of a shard: resumed if it is there, otherwise
/// new.
pub(crate) fn folder_at(
    path: &Path,
    config: ExperimentConfig,
    shard: Option<Shard>,
) -> anyhow::Result<RunFolder> {
    let config = ExperimentConfig {
        output_dir: Some(path.to_path_buf()),
        ..config
    };
    if let Some(shard) = shard {
        check(&config)?;
        return Ok(RunFolder::join(path, config, shard)?);
    }
    match RunFolder::open(path) {
        Ok(mut folder) => {
            folder.resume(config)?;
            if !folder.missing()?.is_empty() {
                check(folder.config())?;
            }
            Ok(folder)
        }
        Err(Error::NotARun { .. }) => {
            check(&config)?;
            Ok(RunFolder::create(config, path, SystemTime::now())?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Checks, before the first process starts, for errors that would make every process fail.
pub(crate) fn check(config: &ExperimentConfig) -> anyhow::Result<()> {
    let device = config.find_device()?;
    if config.prepares_kernels() {
        warn_if_kernels_are_not_kept();
    }
    if let Some(measured) = config.measure_products(&device)?
        && !measured.is_exact()
    {
        output::note(format_args!(
            "float32 products on {} are {measured}; matmul_precision = any accepts them",
            config.device
        ));
    }
    // This also downloads missing data, once instead of in every process.
    Ok(config.check_images()?)
}

/// Once for all experiments of this process, and only here, not in the workers.
fn warn_if_kernels_are_not_kept() {
    static CHECKED: Once = Once::new();
    CHECKED.call_once(|| {
        if let Err(error) = si_bench::check_kernels_are_kept() {
            log::warn!("{error}");
        }
    });
}

/// Does all runs that the folder lacks, or that its shard lacks.
pub(crate) fn train(folder: &mut RunFolder, interrupt: &Interrupt) -> anyhow::Result<Outcome> {
    let (runs, config) = (folder.to_do()?, folder.config());
    let num_before = folder.share().len() - runs.len();
    let stacks = config.in_stacks(runs, config.num_replicas()).into_iter();
    let jobs: Vec<Job> = stacks.map(|runs| Job { runs }).collect();
    let num_jobs = config.num_jobs();
    let num_threads = config.num_threads;
    let program = env::current_exe().context("cannot find this program's own file")?;
    let path = folder.path().to_path_buf();
    let command = |job: &Job| {
        let mut command = worker(&program, num_threads);
        let words = WorkerArgs::words(path.clone(), job);
        command.arg("worker").args(words);
        command
    };

    // On a graphics card, a new process would compile its kernels again.
    let pool = Pool::new(num_jobs, folder.config().prepares_kernels());
    interrupt.tell(pool.interrupter());
    let mut display = Display::new(folder.config(), &jobs, num_before, num_jobs);
    let outcome = pool.run_all(&jobs, command, |index, event| {
        if let Event::Finished { records, .. } = &event {
            folder.append_all(records)?;
        }
        display.show(index, &event);
        Ok(())
    });
    display.end();
    let outcome = outcome?;
    // Those of stacks that were interrupted, and whose runs other stacks have done.
    folder.remove_leftovers()?;
    Ok(outcome)
}

/// The command of a process that trains, still without its arguments. Sets the number of threads if one is given.
pub(crate) fn worker(program: &Path, num_threads: Option<usize>) -> Command {
    let mut command = Command::new(program);
    keep_buffers(&mut command);
    if let Some(num_threads) = num_threads {
        command.env("RAYON_NUM_THREADS", num_threads.to_string());
    }
    // wgpu's graphics libraries complain if there is no desktop and this variable is not set.
    if env::var_os(DESKTOP_FILES).is_none() {
        command.env(DESKTOP_FILES, env::temp_dir());
    }
    command
}

pub(crate) fn num_runs(config: &ExperimentConfig) -> usize {
    config.conditions().len() * config.num_seeds
}

/// The command that resumes what is in the folder `path`. `words` are those between the program's name and its flags.
pub(crate) fn resume_command(words: &str, path: &Path) -> String {
    let program = env::args().next().unwrap_or_else(|| "si".to_string());
    let program = shown(Path::new(&program));
    format!("{program} {words} --resume {}", shown(path))
}

/// A path as it is typed on a command line.
pub(crate) fn shown(path: &Path) -> String {
    let path = path.display().to_string();
    if path.contains(char::is_whitespace) {
        format!("\"{path}\"")
    } else {
        path
    }
}
