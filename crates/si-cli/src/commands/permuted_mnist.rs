use clap::Args;
use si_bench::experiment::Experiment;

use crate::experiment;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  si permuted-mnist                                 the paper's protocol: hours on a CPU
  si permuted-mnist --strengths 0.1 --controls      its main curve alone
  si permuted-mnist --epochs 2 --hidden-sizes 400,400 --seeds 3
                                                    a reduced protocol: minutes
  si permuted-mnist --tasks 100 --strengths 0.1     a hundred permutations
  si permuted-mnist --elastic-strengths 10,100      beside EWC
  si permuted-mnist --resume                        go on with the newest unfinished run

A run that takes long leaves a checkpoint every minute in the folder, and --resume goes on from it,
to the same bits. `si split-mnist --help` says how flags, TOML files and seeds work.";

/// Train on ten permutations of the pixels, with consolidation, without, and with others (fig. 4, 5)
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PermutedMnistArgs {
    #[command(flatten)]
    settings: Settings,
}

pub(crate) fn run(args: &PermutedMnistArgs) -> anyhow::Result<()> {
    experiment::run(Experiment::PermutedMnist, &args.settings)
}
