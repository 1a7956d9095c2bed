use std::path::PathBuf;

use clap::Args;
use si_bench::experiment::RunFolder;

use crate::experiment::{num_runs, shown};
use crate::output;

/// Join the folders of one experiment that was made in parts, on machines without a common folder
///
/// All folders must hold the same experiment: the same settings, except where and how they run. A run that is in several
/// folders must have the same results in each. Writes config.toml and runs.jsonl into the new folder; checkpoints of
/// unfinished runs stay where they are.
#[derive(Args, Debug)]
pub(crate) struct MergeArgs {
    /// Run folders of the same experiment
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Folder for all runs, new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(args: &MergeArgs) -> anyhow::Result<()> {
    let merged = RunFolder::merge(&args.folders, &args.out)?;
    let (num_missing, num_runs) = (merged.missing()?.len(), num_runs(merged.config()));
    output::result(format_args!(
        "wrote {}, with {} of {num_runs} runs",
        args.out.display(),
        num_runs - num_missing
    ))?;
    let next = if num_missing == 0 { "report" } else { "status" };
    output::note(format_args!("to see them: si {next} {}", shown(&args.out)));
    Ok(())
}
