use std::path::PathBuf;

use clap::Args;
use si_bench::experiment::{ConditionStatus, RunFolder};

use crate::exit::Incomplete;
use crate::experiment::num_runs;
use crate::output;
use crate::ranges::ranges;

const EXAMPLES: &str = "\
Examples:
  si status runs/split-mnist/*                 how far several experiments are
  si status --list DIR | cut -f 2 | sort -nu   the seeds that are not done
  until si status DIR; do sleep 60; done       wait for the shards of other machines

The exit code is 0 if all runs are done, and 1 if some are missing.";

/// Show which runs of an experiment are done and which are missing
///
/// Begun are runs that have left a checkpoint: they go on now, or were interrupted or failed. The
/// same command that began them resumes them.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatusArgs {
    /// Run folders, such as runs/split-mnist/2026-01-31T12-00-00Z
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Print only the missing runs, one a line: condition, seed and folder, separated by tabs
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(args: &StatusArgs) -> anyhow::Result<()> {
    let (mut num_missing, mut num_all) = (0, 0);
    for path in &args.folders {
        let folder = RunFolder::open(path)?;
        let (missing, num_runs) = (folder.missing()?, num_runs(folder.config()));
        num_missing += missing.len();
        num_all += num_runs;
        if args.list {
            for (condition, seed) in missing {
                let path = path.display();
                output::result(format_args!("{}\t{seed}\t{path}", condition.name))?;
            }
            continue;
        }
        output::result(format_args!(
            "{} in {}: {} of {num_runs} runs done",
            folder.config().experiment.name(),
            path.display(),
            num_runs - missing.len()
        ))?;
        let status = folder.status()?;
        let width = status.iter().map(|it| it.condition.name.chars().count());
        let width = width.max().unwrap_or(0);
        for one in &status {
            let name = &one.condition.name;
            output::result(format_args!("  {name:width$}  {}", line(one)))?;
        }
    }
    if num_missing == 0 {
        Ok(())
    } else {
        Err(Incomplete(format!("{num_missing} of {num_all} runs are missing")).into())
    }
}

/// The seeds of a condition, such as `2 of 6 done: 0, 1; begun: 4; missing: 2, 3, 5`.
fn line(status: &ConditionStatus) -> String {
    let num_seeds = status.done.len() + status.begun.len() + status.missing.len();
    let done = format!("{} of {num_seeds} done", status.done.len());
    if status.done.len() == num_seeds {
        return done;
    }
    let done = if status.done.is_empty() {
        done
    } else {
        format!("{done}: {}", ranges(&status.done))
    };
    let open = [("begun", &status.begun), ("missing", &status.missing)];
    let open = open.into_iter().filter(|(_, seeds)| !seeds.is_empty());
    let open = open.map(|(what, seeds)| format!("; {what}: {}", ranges(seeds)));
    done + &open.collect::<String>()
}

#[cfg(test)]
mod tests {
    use si_bench::experiment::ExperimentConfig;

    use super::*;

    #[test]
    fn a_line_leaves_out_what_there_is_none_of() {
        let paper = ExperimentConfig::paper(si_bench::experiment::Experiment::SplitMnist);
        let condition = paper.conditions().remove(0);
        for ([done, begun, missing], expected) in [
            ([vec![0, 1], vec![], vec![]], "2 of 2 done"),
            (
                [vec![0, 1], vec![4], vec![2, 3, 5]],
                "2 of 6 done: 0, 1; begun: 4; missing: 2, 3, 5",
            ),
            (
                [vec![], vec![], vec![0, 1, 2]],
                "0 of 3 done; missing: 0 to 2",
            ),
        ] {
            let condition = condition.clone();
            let status = ConditionStatus {
                condition,
                done,
                begun,
                missing,
            };
            assert_eq!(line(&status), expected);
        }
    }
}
