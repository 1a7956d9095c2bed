use std::path::Path;

use clap::Args;
use si_bench::comparison::BestStrength;
use si_bench::experiment::{ConditionSummary, Experiment, ExperimentConfig, Summary};
use si_bench::methods::{Method, MethodSpec};

use crate::output_folder::ROOT;
use crate::settings::Settings;
use crate::shard::ShardArgs;
use crate::{experiment, output};

const EXAMPLES: &str = "\
Examples:
  si sweep split-mnist                                  five strengths of si and of ewc
  si sweep permuted-mnist --epochs 3 --hidden-sizes 400,400
                                                        a smaller network and budget
  si sweep split-mnist --methods mas                    five strengths of another method
  si sweep split-mnist --methods si:c=0.5,si:c=1,si:c=2
                                                        a finer search, with one method only

All settings are those of `si EXPERIMENT --help`. Unless you say otherwise, the seeds differ from
the experiment's and the test images are not used. Use the best strength in the experiment itself.";

/// Find the strength of a method by a coarse search on held-out training images
///
/// Tests on the last training images of each task instead of the test images. By default, tries
/// strengths of si and of ewc that are a factor of ten apart. A method that is given without a
/// strength is searched in the same way. At the end, prints the strength with the best average accuracy after
/// the last task.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SweepArgs {
    /// The experiment
    #[arg(value_name = "EXPERIMENT")]
    experiment: Experiment,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    shard: ShardArgs,
}

pub(crate) fn run(args: &SweepArgs) -> anyhow::Result<()> {
    let root = Path::new(ROOT).join("sweep");
    let settings = args.settings.for_search();
    let shard = args.shard.find()?;
    let base = base(args.experiment);
    let Some(folder) = experiment::run_in("sweep ", &root, base, &settings, shard)? else {
        return Ok(());
    };
    let summary = Summary::new(folder.config(), &folder.records()?)?;
    let mut reported: Vec<&[&Method]> = Vec::new();
    for one in &summary.conditions {
        let methods = one.condition.methods();
        if reported.contains(&methods) {
            continue;
        }
        reported.push(methods);
        report_best(&summary, methods)?;
    }
    Ok(())
}

/// Prints the best strength of a method. Prints nothing if it has no strength.
fn report_best(summary: &Summary, methods: &[&Method]) -> anyhow::Result<()> {
    let conditions = summary.conditions.iter();
    let conditions = conditions.filter(|one| one.condition.methods() == methods);
    let conditions: Vec<&ConditionSummary> = conditions.collect();
    let Some(best) = BestStrength::among(&conditions) else {
        return Ok(());
    };
    let (symbol, strength) = (best.parameter.symbol, best.value());
    if best.tried.len() == 1 {
        output::note(format_args!(
            "{symbol} = {strength} is the only value tried: give several methods for a search"
        ));
    } else if best.is_at_end() {
        output::note(format_args!(
            "{symbol} = {strength} is at the end of the range tried: try values beyond it"
        ));
    }
    output::result(format_args!(
        "best on held-out images: {}, {:.2} % on average at the end",
        best.condition.condition.label(),
        100.0 * best.average_accuracy()
    ))?;
    Ok(())
}

/// The paper's protocol with a coarse grid, on images and seeds that the experiments do not report on.
fn base(experiment: Experiment) -> ExperimentConfig {
    ExperimentConfig {
        methods: searched(&SEARCHED, experiment),
        num_seeds: 1,
        first_seed: FIRST_SEED,
        ..ExperimentConfig::search(experiment)
    }
}

/// The methods of a search if none are given.
const SEARCHED: [&str; 2] = ["si", "ewc"];

fn searched(methods: &[&str], experiment: Experiment) -> Vec<MethodSpec> {
    let search = |method: &&str| {
        let specs = MethodSpec::search(method, experiment);
        specs.expect("they are in the table, as a test checks")
    };
    methods.iter().flat_map(search).collect()
}

/// Far from the first seeds of the experiments.
const FIRST_SEED: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_search_is_valid_in_every_experiment() {
        for experiment in Experiment::ALL {
            let base = base(experiment);
            assert_eq!(base.methods.len(), 10);
            base.validate().expect("the search is valid");
        }
    }
}
