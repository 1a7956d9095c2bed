use clap::Args;
use si_bench::experiment::Experiment;

use crate::experiment;
use crate::settings::Settings;
use crate::shard::ShardArgs;

const EXAMPLES: &str = "\
Examples:
  si split-mnist                            the paper's protocol, three seeds
  si split-mnist --seeds 10                 as many seeds as figure 3
  si split-mnist --methods none,si:c=0.1,si:c=1,si:c=10
                                            compare strengths
  si split-mnist --seeds 1 --epochs 1       a quick look
  si split-mnist --config mine.toml         settings from a file; flags override it
  si split-mnist --images photos            images of your own, in pairs of classes
  si split-mnist --resume                   resume the newest unfinished run
  si split-mnist --out DIR --shard 1/2      half of the seeds; another machine does 2/2

Every flag except --config, --resume and --shard is also a key of the TOML file. The key is the name
of the flag with _ in place of -, unless the help of the flag gives another. The config.toml in a
run folder is such a file.

On a CPU device, a seed always gives exactly the same numbers with the same number of threads. The
number of cores, the number of jobs and interruptions do not matter. All runs of a folder use the
same number of threads.";

/// Train on five pairs of digits in turn, with and without consolidation (fig. 3)
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SplitMnistArgs {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    shard: ShardArgs,
}

pub(crate) fn run(args: &SplitMnistArgs) -> anyhow::Result<()> {
    experiment::run(Experiment::SplitMnist, &args.settings, &args.shard)
}
