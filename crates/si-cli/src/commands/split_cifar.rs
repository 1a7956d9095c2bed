use clap::Args;
use si_bench::experiment::Experiment;

use crate::experiment;
use crate::settings::Settings;
use crate::shard::ShardArgs;

const EXAMPLES: &str = "\
Examples:
  si split-cifar                                    the paper's protocol: for a GPU
  si split-cifar --seeds 5                          as many runs as figure 6
  si split-cifar --epochs 5 --hidden-sizes 16,32,256 --train-images 5000
                                                    a reduced protocol for a CPU
  si split-cifar --methods si:c=0.01,ewc:lambda=100
                                                    compare with EWC
  si split-cifar --data-dir DIR                     use the official files in DIR
  si split-cifar --resume                           resume the newest unfinished run

A long run writes a checkpoint into its folder every minute. --resume continues from it and gives
exactly the same numbers on a CPU. `si split-mnist --help` explains flags, TOML files and seeds.";

/// Train on CIFAR-10, then on CIFAR-100 in tasks of ten classes (fig. 6)
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SplitCifarArgs {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    shard: ShardArgs,
}

pub(crate) fn run(args: &SplitCifarArgs) -> anyhow::Result<()> {
    experiment::run(Experiment::SplitCifar, &args.settings, &args.shard)
}
