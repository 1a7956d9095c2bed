mod plan;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, value_parser};
use si_bench::experiment::{FolderLock, RunRecord};
use si_bench::frontier::{self, Configuration, Frontier, FrontierStudy, REDUCED};
use si_bench::report;

use crate::interrupt::Interrupt;
use crate::jobs::Outcome;
use crate::output_folder::{ROOT, unused_folder};
use crate::{experiment, output};

use plan::folder_of;

const EXAMPLES: &str = "\
Examples:
  si frontier                                  about a quarter of an hour on two cores
  si frontier --configurations 5 --epochs 3    a quick look
  si frontier --train-images 60000             on all of MNIST: hours
  si frontier --resume                         resume the newest unfinished study
  si frontier --resume DIR --configurations 50 add random configurations

The folder has a subfolder for each configuration. `si report`, `si metrics` and `si status` read
these.";

/// Draw possibilities frontiers of ReLU, LWTA and Maxout, with and without dropout
///
/// Networks learn an old task, and then a new one with nothing against forgetting: MNIST as it is,
/// and with its pixels in a random order. All six kinds of network do so with each of several random configurations,
/// and are tested on both tasks after every epoch of the new one. The frontier of a network is the
/// lower-left envelope of its errors on the two tasks, over all configurations and epochs
/// (Goodfellow et al. 2013b).
///
/// The folder, by default runs/frontier/UTC-TIME, gets frontier.md, frontier.json and the figure. The
/// page says for each of the paper's findings about dropout whether it holds here.
#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{REDUCED}"))]
pub(crate) struct FrontierArgs {
    /// Random configurations: units of the hidden layers, learning rate, momentum, blocks of LWTA and
    /// sums of a unit of Maxout. With --resume, there may be more than before [default: 25]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..))]
    configurations: Option<u16>,
    /// Seed of the configurations, the order of the pixels, the initial parameters and the order of
    /// the images [default: 0]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    seed: Option<u64>,
    /// Train on only the first N training images of each task [default: 5000]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    train_images: Option<usize>,
    /// Epochs of each task [default: 10]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    epochs: Option<usize>,
    /// Device, as listed by `si devices`; auto takes the best one found [default: auto]
    #[arg(long, value_name = "NAME[:INDEX]", conflicts_with = "resume")]
    device: Option<String>,
    /// Processes that do runs at the same time. On a GPU, each does one run after the other and
    /// compiles kernels once; otherwise each does one run [default: 1 on a GPU and on cpu; on flex and
    /// ndarray as many as fit the cores, at most six]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Threads per run on flex and ndarray, ≥ 1. The number can change the last digits of results,
    /// so it is fixed for all runs [default: $RAYON_NUM_THREADS, otherwise cores / jobs]
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    threads: Option<usize>,
    /// Folder with MNIST's official files [default: $SI_DATA_DIR, then the program's
    /// own]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Folder for the results [default: runs/frontier/UTC-TIME]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Resume in DIR, with the settings stored there; without DIR, in the newest unfinished folder
    /// under runs/frontier
    #[arg(long, value_name = "DIR")]
    resume: Option<Option<PathBuf>>,
}

pub(crate) fn run(args: &FrontierArgs) -> anyhow::Result<()> {
    let root = Path::new(ROOT).join("frontier");
    let (folder, study, _lock) = match &args.resume {
        None => {
            let study = plan::new(args)?;
            let folder = unused_folder(args.out.as_deref(), &root)?;
            let lock = FolderLock::hold(&folder)?;
            (folder, study, lock)
        }
        Some(resume) => {
            let folder = match resume {
                Some(folder) => folder.clone(),
                None => plan::newest_unfinished(&root)?,
            };
            let study = plan::read(&folder)?;
            let lock = FolderLock::hold(&folder)?;
            let study = plan::resumed(study, &folder, args)?;
            (folder, study, lock)
        }
    };
    plan::write(&folder, &study)?;
    let interrupt = Interrupt::catch()?;
    let records = study
        .configurations()
        .map(|configuration| finish(&folder, &study, &configuration, &interrupt));
    let records: Vec<Vec<RunRecord>> = records.collect::<anyhow::Result<_>>()?;
    let frontier = Frontier::new(&study, &records)?;
    output::text(&frontier::table(&frontier))?;
    let files = frontier::write(&folder, &frontier)?;
    for path in [files.svg, files.png, files.markdown, files.json] {
        output::result(format_args!("wrote {}", path.display()))?;
    }
    Ok(())
}

/// Does the runs of a configuration that are missing, and writes their summary. Returns all of its runs.
fn finish(
    folder: &Path,
    study: &FrontierStudy,
    configuration: &Configuration,
    interrupt: &Interrupt,
) -> anyhow::Result<Vec<RunRecord>> {
    let path = folder_of(folder, configuration);
    let mut runs = experiment::folder_at(&path, study.experiment(configuration), None)
        .with_context(|| format!("the configuration in {}", path.display()))?;
    let num_missing = runs.missing()?.len();
    if num_missing > 0 {
        output::note(format_args!(
            "[{} of {}] {num_missing} of {} runs to do, in {}",
            configuration.number,
            study.num_configurations,
            experiment::num_runs(runs.config()),
            path.display()
        ));
        match experiment::train(&mut runs, interrupt)? {
            Outcome::Done { num_failed: 0 } => (),
            outcome => {
                let resume = experiment::resume_command("frontier", folder);
                return Err(experiment::unfinished(&runs, &outcome, &resume)?);
            }
        }
        report::write(&path, runs.config(), &runs.records()?)?;
    }
    Ok(runs.records()?)
}
