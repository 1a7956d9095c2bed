use clap::Args;
use si_bench::experiment::Experiment;

use crate::experiment;
use crate::settings::Settings;
use crate::shard::ShardArgs;

const EXAMPLES: &str = "\
Examples:
  si permuted-mnist                                 the paper's protocol: hours on a CPU
  si permuted-mnist --methods si                    only its main curve
  si permuted-mnist --epochs 2 --hidden-sizes 400,400 --seeds 3
                                                    a reduced protocol: minutes
  si permuted-mnist --tasks 100 --methods si        a hundred permutations
  si permuted-mnist --methods si,ewc:lambda=30      compare with EWC
  si permuted-mnist --resume                        resume the newest unfinished run

A long run writes a checkpoint into its folder every minute. --resume continues from it and gives
exactly the same numbers. `si split-mnist --help` explains flags, TOML files and seeds.";

/// Train on ten permutations of the pixels, with and without consolidation, and controls (fig. 4, 5)
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PermutedMnistArgs {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    shard: ShardArgs,
}

pub(crate) fn run(args: &PermutedMnistArgs) -> anyhow::Result<()> {
    experiment::run(Experiment::PermutedMnist, &args.settings, &args.shard)
}
