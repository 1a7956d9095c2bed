use std::path::PathBuf;

use clap::Args;
use si_bench::theory;

use crate::output;
use crate::output_folder::output_folder;

const EXAMPLES: &str = "\
Examples:
  si theory                        write the results into runs/theory/UTC-TIME
  si theory --seed 7               another Hessian and other starting points
  si theory --out docs/theory      write the results into docs/theory

Three results printed in the paper do not follow from its eq. 11. The table has them twice, as
printed and as corrected: eq. 13, which lacks a factor of a half and has zeros off the diagonal;
the importance for a Hessian of rank one; and the normalisation over random starts. The comparison
takes some seconds on one core, on the CPU device flex in double precision.";

/// Compare the theory (section 4) with simulated learning (eqs. 3, 5, 8, 10 to 14)
///
/// For quadratic errors, the path integral has closed forms. The program learns such errors by gradient
/// descent. If more precision or more starts are needed, plain arithmetic integrates the flow instead.
/// Prints the table, and writes theory.json, theory.md, figure.svg and figure.png.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TheoryArgs {
    /// Folder for the results, created if missing; existing files are overwritten [default:
    /// runs/theory/UTC-TIME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Seed for the Hessian's eigenvectors, the optimum and the starting points [default: 0]
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
