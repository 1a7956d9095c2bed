use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::bail;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use si_bench::Error;
use si_bench::experiment::{FolderLock, refuse_results};
use si_bench::repro::{self, Part, Study};

use crate::exit::Interrupted;
use crate::interrupt::Interrupt;
use crate::jobs::Outcome;
use crate::output_folder::{ROOT, output_folder};
use crate::progress::clock;
use crate::{experiment, output, plan_file};

mod cost;
mod plan;

use plan::Plan;

const EXAMPLES: &str = "\
Examples:
  si repro --plan                  what would run, and what it costs on this machine
  si repro                         everything, reduced: about three hours on two cores
  si repro --only fig3,fig4        only some parts
  si repro --full                  the paper's protocol: days on a CPU
  si repro --resume                resume the newest unfinished one

The output folder has one folder per study. Its README.md and repro.html list every claim of the
paper beside our numbers. The report also includes results that are already in the folder, for
example from the other budget.";

/// Reproduce the whole paper: every figure, and every claim beside our numbers
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReproArgs {
    /// Use the paper's protocol and number of seeds instead of the reduced budget
    #[arg(long, conflicts_with = "resume")]
    full: bool,
    /// Parts to reproduce [default: all]
    #[arg(
        long,
        value_name = "PART,...",
        value_delimiter = ',',
        conflicts_with = "resume",
        value_parser = PossibleValuesParser::new(Part::ALL.map(Part::name))
            .try_map(|name| name.parse::<Part>())
    )]
    only: Vec<Part>,
    /// Do not train; list what would run, with time and memory estimated from a few steps of each.
    /// Downloads missing data sets
    #[arg(long)]
    plan: bool,
    /// Do not train; write the report on the results in the folder of --out or --resume
    #[arg(long, conflicts_with = "plan")]
    report: bool,
    /// Device, as listed by `si devices`; auto takes the best one found [default: auto]
    #[arg(long, value_name = "NAME[:INDEX]", conflicts_with = "resume")]
    device: Option<String>,
    /// Processes that do runs at the same time. On a GPU, each does one run after the other and
    /// compiles kernels once; otherwise each does one run [default: 1 on a GPU and on cpu; on flex and
    /// ndarray as many as fit the cores, at most the number of runs]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Runs that a process trains at once, as a stack of replicas, ≥ 1. On a GPU, a stack of small
    /// networks takes little longer than one of them [default: 1 on CPUs and for large networks;
    /// otherwise as many as there are]
    #[arg(long, value_name = "N")]
    replicas: Option<usize>,
    /// Threads per run on flex and ndarray, ≥ 1. The number can change the last digits of results,
    /// so it is fixed for all runs of a study [default: $RAYON_NUM_THREADS, otherwise cores / jobs]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    threads: Option<usize>,
    /// Folder with CIFAR's official files [default: $SI_DATA_DIR, then the cache]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Folder for the results [default: runs/repro/UTC-TIME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// At the end, also copy the results into this folder, beside those of the other budget, and
    /// write the report there
    #[arg(long, value_name = "DIR")]
    publish: Option<PathBuf>,
    /// Resume in DIR, with the settings stored there; without DIR, in the newest unfinished folder
    /// under runs/repro
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    resume: Option<Option<PathBuf>>,
}

pub(crate) fn run(args: &ReproArgs) -> anyhow::Result<()> {
    if args.report {
        return report(args);
    }
    let (folder, plan) = match &args.resume {
        None => (None, Plan::new(args)?),
        Some(resume) => {
            let folder = match resume {
                Some(folder) => folder.clone(),
                None => newest_unfinished(&Path::new(ROOT).join("repro"))?,
            };
            let plan = Plan::read(&folder)?.with(args);
            (Some(folder), plan)
        }
    };
    let studies = plan.studies()?;
    for (name, reason) in plan.left_out()? {
        output::note(format_args!("skipping {name}: {reason}"));
    }
    if args.plan {
        return cost::print(&plan.parts, &studies);
    }
    let folder = match folder {
        Some(folder) => folder,
        None => {
            let out = args.out.as_deref();
            if let Some(out) = out
                && !Plan::is_in(out)
            {
                refuse_results(out)?;
            }
            output_folder("repro", out)?
        }
    };
    let _lock = FolderLock::hold(&folder)?;
    plan.write(&folder)?;
    let failures = make(&folder, &plan.parts, &studies)?;
    write_report(
        &folder,
        plan.publish.as_deref().filter(|_| failures.is_empty()),
    )?;
    if failures.is_empty() {
        Ok(())
    } else {
        bail!(
            "failed: {}; to try again: si repro --resume {}",
            failures.join(", "),
            folder.display()
        )
    }
}

/// Writes only the report.
fn report(args: &ReproArgs) -> anyhow::Result<()> {
    let folder = args.resume.clone().flatten().or_else(|| args.out.clone());
    let folder = folder.ok_or_else(|| {
        Error::Config("--report needs the folder with the results: add --out DIR".to_string())
    })?;
    if !folder.is_dir() {
        return Err(Error::Config(format!("there is no folder {}", folder.display())).into());
    }
    write_report(&folder, args.publish.as_deref())
}

fn write_report(folder: &Path, publish: Option<&Path>) -> anyhow::Result<()> {
    let report = match publish {
        Some(target) => {
            repro::write_report(folder)?;
            repro::publish(folder, target)?
        }
        None => repro::write_report(folder)?,
    };
    output::result(report.verdicts)?;
    for path in [report.markdown, report.html] {
        output::result(format_args!("wrote {}", path.display()))?;
    }
    Ok(())
}

/// Does what is missing in `folder`. Returns the names of the studies that failed; the others still run.
fn make(folder: &Path, parts: &[Part], studies: &[Study]) -> anyhow::Result<Vec<String>> {
    let interrupt = Interrupt::catch()?;
    let computed: Vec<Part> = parts
        .iter()
        .copied()
        .filter(|part| part.experiment().is_none())
        .collect();
    let total = computed.len() + studies.len();
    let start = Instant::now();
    let mut failures = Vec::new();
    let mut index = 0;
    let mut begin = |title: String| {
        index += 1;
        let elapsed = clock(start.elapsed());
        output::note(format_args!(
            "[{index} of {total}, {elapsed} so far] {title}"
        ));
    };
    for part in computed {
        begin(part.title().to_string());
        repro::make(part, folder)?;
    }
    for study in studies {
        begin(study.title());
        match make_study(folder, study, &interrupt) {
            Ok(()) => {}
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => {
                output::note(format_args!("{}: {error:#}", study.name()));
                failures.push(study.name());
            }
        }
    }
    Ok(failures)
}

/// Does the runs that are missing in a study's folder.
fn make_study(folder: &Path, study: &Study, interrupt: &Interrupt) -> anyhow::Result<()> {
    let path = folder.join(study.name());
    let mut runs = experiment::folder_at(&path, study.config.clone(), None)?;
    if runs.missing()?.is_empty() {
        return Ok(());
    }
    match experiment::train(&mut runs, interrupt)? {
        Outcome::Done { num_failed: 0 } => Ok(()),
        Outcome::Done { num_failed } => bail!("{num_failed} runs failed"),
        Outcome::Interrupted => Err(Interrupted(format!(
            "interrupted; to resume: si repro --resume {}",
            folder.display()
        ))
        .into()),
    }
}

/// The newest folder in `root` whose plan is not done.
fn newest_unfinished(root: &Path) -> anyhow::Result<PathBuf> {
    let is_unfinished =
        |folder: &Path| Ok(Plan::is_in(folder) && !Plan::read(folder)?.is_done(folder)?);
    plan_file::newest(root, "repro", is_unfinished)
}
