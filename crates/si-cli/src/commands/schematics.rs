use std::path::PathBuf;

use clap::Args;
use si_bench::schematic;

use crate::output;
use crate::output_folder::output_folder;

const EXAMPLES: &str = "\
Examples:
  si schematics                        compute, and keep the results in runs/schematics/UTC-TIME
  si schematics --out docs/figures     write into a folder of your own

Figure 1 has two tasks of two parameters: without consolidation (c = 0) the second overwrites the
first, and with it (c = 1) learning ends where both losses are small. Figure 2 has one task of one
parameter: descent on its surrogate loss comes to the same drop, net motion and minimum.";

/// Compute and draw the paper's schematics (figs. 1 and 2) from small problems
///
/// Both are learnt by the program itself, by gradient descent on the CPU device flex in double
/// precision; there is nothing random in them. Their numbers are printed, and figure1 and figure2 are
/// written, each as .json, .svg and .png.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SchematicsArgs {
    /// Folder for the results, made if it is not there; files in it are written over [default:
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
