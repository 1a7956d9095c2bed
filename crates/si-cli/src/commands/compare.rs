mod plan;
mod start;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, value_parser};
use si_bench::comparison::{self, Comparison, Runs, best_trials};
use si_bench::experiment::{Experiment, ExperimentConfig, RunFolder, RunRecord, Shard};
use si_bench::report;

use crate::interrupt::Interrupt;
use crate::jobs::Outcome;
use crate::settings::Settings;
use crate::shard::ShardArgs;
use crate::{experiment, output};

use plan::Plan;
use start::start;

const EXAMPLES: &str = "\
Examples:
  si compare split-mnist                               all methods that can run: hours on a CPU
  si compare split-mnist --methods none,si,ewc,er      only these
  si compare split-mnist --epochs 1 --trials 3         a quick look
  si compare split-mnist --scenario class              the network is not told the task
  si compare permuted-mnist --methods si,mas:lambda=1  search for the strength of si alone
  si compare split-mnist --resume                      resume the newest unfinished comparison
  si compare split-mnist --out DIR --shard 1/4         a share of the seeds; start all shares again
                                                       when the search is done

All other settings are those of `si EXPERIMENT --help`. --seeds and --first-seed are those of the
final runs, and --held-out is the number of images that the search tests on. If the file of
--config has `methods`, they count like those of --methods, which overrides them. `si report`,
`si metrics` and `si inspect` read the folders search and final of a comparison.";

/// Compare methods under one protocol: accuracy, forgetting, memory, passes and time
///
/// Without --methods, compares all methods that can run in the experiment and scenario, and adds
/// experience replay with as many bytes as Synaptic Intelligence keeps.
///
/// First, one oracle search finds the strengths of all methods: each method that is given without a
/// strength has the same number of trials, on held-out training images of all tasks, with seeds of
/// its own. It is called an oracle because a learner that has moved on no longer has images of old
/// tasks. Then each method is run with its best strength, on fresh seeds and the test images.
///
/// The folder, by default runs/compare/EXPERIMENT/UTC-TIME, gets compare.md, compare.json and three
/// figures: accuracy over the tasks, stability against plasticity, and accuracy against memory.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompareArgs {
    /// The experiment
    #[arg(value_name = "EXPERIMENT")]
    experiment: Experiment,
    /// Strengths to try for each method that has one and is given without: equal steps, on a
    /// logarithmic scale, from the lowest to the highest of `si sweep` [default: 5]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(2..=50), help_heading = "Search")]
    trials: Option<u16>,
    /// Seeds of each trial [default: 1]
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..), help_heading = "Search")]
    search_seeds: Option<u16>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    shard: ShardArgs,
}

pub(crate) fn run(args: &CompareArgs) -> anyhow::Result<()> {
    let started = start(args)?;
    for left_out in &started.plan.selection.left_out {
        let (method, reason) = (&left_out.method, &left_out.reason);
        output::note(format_args!("leaving out {method}: {reason}"));
    }
    let phases = Phases {
        experiment: args.experiment,
        folder: &started.folder,
        shard: started.shard,
        interrupt: Interrupt::catch()?,
    };
    compare(&phases, &started.plan)
}

/// Does what is missing in both phases, and reports. A shard does its share, and stops if a phase needs the runs of others.
fn compare(phases: &Phases<'_>, plan: &Plan) -> anyhow::Result<()> {
    let candidates = plan.candidates()?;
    let search = match plan.search()? {
        None => {
            output::note("[1 of 2] no strength to search for");
            None
        }
        Some(config) => {
            let title = "[1 of 2] oracle search for strengths, on held-out images of all tasks";
            let Some(search) = phases.finish(SEARCH, title, config)? else {
                return Ok(());
            };
            Some(search)
        }
    };
    let search_runs = search.as_ref().map(Finished::runs);
    let methods = match search_runs {
        Some(search) => best_trials(search, &candidates)?,
        None => candidates.into_iter().flat_map(|it| it.trials).collect(),
    };
    let title = "[2 of 2] final runs with the best strengths, on test images";
    let Some(last) = phases.finish(FINAL, title, plan.last(methods))? else {
        return Ok(());
    };
    let comparison = Comparison::new(&plan.selection, last.runs(), search_runs)?;
    output::text(&comparison::table(&comparison))?;
    let files = comparison::write(phases.folder, &comparison)?;
    let paths = files.figures.iter().chain([&files.markdown, &files.json]);
    for path in paths {
        output::result(format_args!("wrote {}", path.display()))?;
    }
    Ok(())
}

/// The folder of the search, below that of the comparison.
const SEARCH: &str = "search";
/// The folder of the runs on fresh seeds.
const FINAL: &str = "final";

/// The two phases of a comparison, each with a run folder.
struct Phases<'a> {
    experiment: Experiment,
    folder: &'a Path,
    /// `None` if all runs are this process's.
    shard: Option<Shard>,
    interrupt: Interrupt,
}

/// The runs of a phase that is done.
struct Finished {
    folder: RunFolder,
    records: Vec<RunRecord>,
}

impl Phases<'_> {
    /// Does the runs that are missing in the folder `name`, and writes their summary. `None` if this is a shard, and runs of
    /// others are missing.
    fn finish(
        &self,
        name: &str,
        title: &str,
        config: ExperimentConfig,
    ) -> anyhow::Result<Option<Finished>> {
        let path: PathBuf = self.folder.join(name);
        let mut folder = experiment::folder_at(&path, config, self.shard)
            .with_context(|| format!("the phase in {}", path.display()))?;
        let num_to_do = folder.to_do()?.len();
        let num_runs = experiment::num_runs(folder.config());
        output::note(format_args!(
            "{title}: {num_to_do} of {num_runs} runs to do, in {}",
            path.display()
        ));
        if num_to_do > 0 {
            match experiment::train(&mut folder, &self.interrupt)? {
                Outcome::Done { num_failed: 0 } => (),
                outcome => {
                    return Err(experiment::unfinished(&folder, &outcome, &self.command())?);
                }
            }
        }
        let num_missing = folder.missing()?.len();
        if num_missing > 0 {
            output::note(format_args!(
                "{num_missing} of {num_runs} runs, of other shards, are missing (si status {}); when they are done: {}",
                experiment::shown(&path),
                self.command()
            ));
            return Ok(None);
        }
        let records = folder.records()?;
        report::write(&path, folder.config(), &records)?;
        Ok(Some(Finished { folder, records }))
    }

    /// The command that goes on.
    fn command(&self) -> String {
        let words = format!("compare {}", self.experiment.name());
        let resume = experiment::resume_command(&words, self.folder);
        match self.shard {
            None => resume,
            Some(shard) => format!("{resume} --shard {shard}"),
        }
    }
}

impl Finished {
    fn runs(&self) -> Runs<'_> {
        Runs {
            config: self.folder.config(),
            records: &self.records,
        }
    }
}
