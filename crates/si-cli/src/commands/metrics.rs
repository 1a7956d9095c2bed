use std::path::{Path, PathBuf};

use anyhow::bail;
use si_bench::{
    experiment::RunFolder,
    report::{self, Series, SeriesFormat},
};

use super::report::{labels, unfinished};
use crate::output;

/// Export losses and accuracies of stored runs for other tools: as CSV, JSON Lines or for TensorBoard
///
/// Reads config.toml and the records of each folder; nothing is trained. The first point, before
/// training, has the accuracies of the untrained network. Then each epoch has a point with task loss,
/// penalty and share of the penalty. At the last epoch of a task, the point also has the accuracy on
/// every task, on test and on training data, and the average over the tasks trained so far. Steps are
/// epochs since the start of the run. Tasks and epochs are counted from 1.
///
/// csv and jsonl put all runs in one table, with a row or an object for each point. It is printed, or
/// with --output written to metrics.csv or metrics.jsonl. Values that were not measured are empty or
/// null. tensorboard writes a folder of events for each condition and seed, such as si-seed0. Its tags
/// are train/loss, train/penalty, train/penalty_share, accuracy/task_1 and so on, accuracy/average,
/// train_accuracy/task_1 and so on, and train_accuracy/average; view it with
/// `tensorboard --logdir DIR`. Runs do not store the time of an epoch, so the wall time is 0.
#[derive(Debug, clap::Args)]
pub(crate) struct MetricsArgs {
    /// Run folders, such as runs/split-mnist/2026-01-31T12-00-00Z
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Write into this folder (created if missing). Without it, csv and jsonl are printed, and
    /// tensorboard is written to the subfolder `tensorboard` of each run folder
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Comma-separated values (RFC 4180), with a header
    Csv,
    /// A JSON object on each line
    Jsonl,
    /// Event files of TensorBoard
    Tensorboard,
}

/// Prints or writes the metrics, as `args` say.
pub(crate) fn run(args: &MetricsArgs) -> anyhow::Result<()> {
    let runs = runs(&args.folders)?;
    let all = || -> Vec<Series> {
        let series = runs.iter().flat_map(|(_, series)| series);
        series.cloned().collect()
    };
    match (args.format, &args.output) {
        (Format::Csv, None) => Ok(output::text(&report::csv(&all()))?),
        (Format::Jsonl, None) => Ok(output::text(&report::json_lines(&all()))?),
        (Format::Csv, Some(folder)) => write(folder, SeriesFormat::Csv, &all()),
        (Format::Jsonl, Some(folder)) => write(folder, SeriesFormat::JsonLines, &all()),
        (Format::Tensorboard, Some(folder)) => write(folder, SeriesFormat::TensorBoard, &all()),
        (Format::Tensorboard, None) => runs.into_iter().try_for_each(|(folder, mut series)| {
            // In a run's folder there are no other runs, so the label is not needed.
            for series in &mut series {
                series.run.clear();
            }
            let folder = folder.join("tensorboard");
            write(&folder, SeriesFormat::TensorBoard, &series)
        }),
    }
}

/// The folders with a finished run, and the measurements of each.
fn runs(folders: &[PathBuf]) -> anyhow::Result<Vec<(&Path, Vec<Series>)>> {
    let labels = match folders {
        [_] => vec![String::new()],
        _ => labels(folders),
    };
    let mut runs = Vec::new();
    for (label, path) in labels.into_iter().zip(folders) {
        let folder = RunFolder::open(path)?;
        let records = folder.records()?;
        if records.is_empty() {
            if folders.len() == 1 {
                bail!(unfinished(&folder));
            }
            output::note(unfinished(&folder));
            continue;
        }
        let experiment = folder.config().experiment;
        let series = records
            .iter()
            .map(|record| Series::new(&label, experiment, record));
        runs.push((path.as_path(), series.collect()));
    }
    if runs.is_empty() {
        bail!("none of the folders has a finished run");
    }
    Ok(runs)
}

fn write(folder: &Path, format: SeriesFormat, series: &[Series]) -> anyhow::Result<()> {
    for path in report::write_series(folder, format, series)? {
        output::result(format_args!("wrote {}", path.display()))?;
    }
    Ok(())
}
