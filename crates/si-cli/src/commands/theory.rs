use std::path::PathBuf;

use clap::Args;
use si_bench::theory;

use crate::output;
use crate::output_folder::output_folder;

const EXAMPLES: &str = "\
Examples:
  si theory                        compare, and keep the results in runs/theory/UTC-TIME
  si theory --seed 7               another Hessian and other starts
  si theory --out docs/theory      write into a folder of your own

What the paper prints and does not follow from its eq. 11 is there twice, as printed and as
corrected: eq. 13, without its factor of a half and with zeros off the diagonal; the importance for
a Hessian of rank one; and the normalisation over random starts. The comparison takes some seconds
on one core, on the CPU device flex and in double precision.";

/// Compare section 4, the theory, with simulated learning (eqs. 3, 5, 8, 10 to 14)
///
/// On quadratic errors the path integral has closed forms. The program learns such errors by gradient
/// descent, and plain arithmetic integrates the flow where more precision or more starts are called
/// for. The table is printed, and theory.json, theory.md, figure.svg and figure.png are written.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TheoryArgs {
    /// Folder for the results, made if it is not there; files in it are written over [default:
    /// runs/theory/UTC-TIME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Seed of the Hessian's eigenvectors, the optimum and the starts [default: 0]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    seed: u64,
}

pub(crate) fn run(args: &TheoryArgs) -> anyhow::Result<()> {
    let folder = output_folder("theory", args.out.as_deref())?;
    let theory = theory::run(args.seed)?;
    output::result(theory::table(&theory))?;
    let artefacts = theory::write(&folder, &theory)?;
    for path in [
        &artefacts.json,
        &artefacts.markdown,
        &artefacts.svg,
        &artefacts.png,
    ] {
        output::result(format_args!("wrote {}", path.display()))?;
    }
    Ok(())
}
