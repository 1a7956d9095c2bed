use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use si_bench::inspect;
use si_core::checkpoint::Inspection;

use crate::output;

const EXAMPLES: &str = "\
Examples:
  si inspect training.ckpt                     show the content of a checkpoint, layer by layer
  si inspect learner.bpk --output figures      also draw a histogram of each layer's importance

The checkpoints of a run are in the folder `checkpoints` of its run folder until it is complete.";

/// Show the content of a checkpoint or of a learner's record: importance, layer by layer
///
/// The model is not needed. Every byte of a checkpoint is checked. A record written by Burn's
/// `save_file` (.bpk) has no checksum.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectArgs {
    /// A checkpoint, or the record of a learner
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write importance.svg and importance.png into this folder (created if missing)
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<()> {
    if args.file.is_dir() {
        bail!(
            "{} is a folder; name one of the checkpoints in it (the newest has the highest number)",
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
