use clap::Args;
use si_bench::experiment::Experiment;

use crate::experiment;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  si split-cifar                                    the paper's protocol: for a GPU
  si split-cifar --seeds 5                          as many runs as figure 6
  si split-cifar --epochs 5 --hidden-sizes 16,32,256 --train-images 5000
                                                    a reduced protocol for a CPU
  si split-cifar --strengths 0.01 --elastic-strengths 100,1000
                                                    beside EWC
  si split-cifar --data-dir DIR                     with the official files in DIR
  si split-cifar --resume                           go on with the newest unfinished run

A run that takes long leaves a checkpoint every minute in the folder, and --resume goes on from it,
to the same bits on a CPU. `si split-mnist --help` says how flags, TOML files and seeds work.";

/// Train on CIFAR-10 and then on ten classes of CIFAR-100 after the other (fig. 6)
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SplitCifarArgs {
    #[command(flatten)]
    settings: Settings,
}

pub(crate) fn run(args: &SplitCifarArgs) -> anyhow::Result<()> {
    experiment::run(Experiment::SplitCifar, &args.settings)
}
