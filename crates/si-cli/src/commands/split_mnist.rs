use clap::Args;
use si_bench::experiment::Experiment;

use crate::experiment;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  si split-mnist                            the paper's protocol, three seeds
  si split-mnist --seeds 10                 as many seeds as figure 3
  si split-mnist --strengths 0,0.1,1,10     a search over the strength c
  si split-mnist --seeds 1 --epochs 1       a quick look
  si split-mnist --config mine.toml         settings from a file; flags win over it
  si split-mnist --resume                   go on with the newest unfinished run

Every flag but --config and --resume is also a key of the TOML file, as named in its help. The
config.toml in a run's folder is such a file, with every key.

A seed gives the same bits on one CPU device with one number of threads, whatever the number of
cores and jobs and whether it was interrupted. A folder keeps its number of threads for all its runs.";

/// Train on five pairs of digits, one after the other, with and without consolidation (fig. 3)
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SplitMnistArgs {
    #[command(flatten)]
    settings: Settings,
}

pub(crate) fn run(args: &SplitMnistArgs) -> anyhow::Result<()> {
    experiment::run(Experiment::SplitMnist, &args.settings)
}
