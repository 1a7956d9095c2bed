use std::path::PathBuf;

use clap::Args;
use si_bench::schematic;

use crate::output;
use crate::output_folder::output_folder;

const EXAMPLES: &str = "\
Examples:
  si schematics                        write the results into runs/schematics/UTC-TIME
  si schematics --out docs/figures     write the results into docs/figures

Figure 1 has two tasks with two parameters. Without consolidation (c = 0), the second task
overwrites the first; with it (c = 1), learning ends where both losses are small. Figure 2 has one
task with one parameter. Descent on its surrogate loss has the same drop, net motion and minimum.";

/// Compute and draw the paper's schematics (figs. 1 and 2) from small problems
///
/// The program learns both problems itself, by gradient descent in double precision on the CPU device
/// flex. Nothing is random. Prints the numbers and writes figure1 and figure2 as .json, .svg and .png.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SchematicsArgs {
    /// Folder for the results, created if missing; existing files are overwritten [default:
    /// runs/schematics/UTC-TIME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: &SchematicsArgs) -> anyhow::Result<()> {
    let folder = output_folder("schematics", args.out.as_deref())?;
    let (two_tasks, surrogate) = (schematic::figure1()?, schematic::figure2()?);
    output::result(schematic::table(&two_tasks, &surrogate))?;
    let artefacts = schematic::write(&folder, &two_tasks, &surrogate)?;
    for picture in [&artefacts.figure1, &artefacts.figure2] {
        for path in [&picture.json, &picture.svg, &picture.png] {
            output::result(format_args!("wrote {}", path.display()))?;
        }
    }
    Ok(())
}
