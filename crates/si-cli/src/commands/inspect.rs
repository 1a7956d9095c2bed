use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use si_bench::inspect;
use si_core::Inspection;

use crate::output;

const EXAMPLES: &str = "\
Examples:
  si inspect training.ckpt                     what is in a checkpoint, layer by layer
  si inspect learner.bpk --output figures      and a histogram of each layer's importance

Checkpoints of runs are in the folder `checkpoints` of a run's own, until the run is complete.";

/// Show what is in a checkpoint or in a learner's record: importance, layer by layer
///
/// The model is not asked for. A checkpoint is checked to the last byte; a record that Burn's own
/// `save_file` has written (.bpk) has no checksum.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectArgs {
    /// A checkpoint, or the record of a learner
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write importance.svg and importance.png into this folder, made if it is not there
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<()> {
    if args.file.is_dir() {
        bail!(
            "{} is a folder; name one of the checkpoints in it, of which the newest has the highest number",
            args.file.display()
        );
    }
    let inspection = Inspection::read(&args.file)?;
    let name = args.file.display().to_string();
    output::result(inspect::table(&name, &inspection).trim_end())?;
    if let Some(folder) = &args.output {
        let artefacts = inspect::write(folder, &inspection)?;
        for path in [&artefacts.svg, &artefacts.png] {
            output::result(format_args!("wrote {}", path.display()))?;
        }
    }
    Ok(())
}
