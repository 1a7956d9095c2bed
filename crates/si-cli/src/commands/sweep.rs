use std::path::Path;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use si_bench::experiment::{ConditionSummary, Experiment, ExperimentConfig, Method, Summary};

use crate::output_folder::ROOT;
use crate::settings::Settings;
use crate::{experiment, output};

const EXAMPLES: &str = "\
Examples:
  si sweep split-mnist                                  five strengths of each method
  si sweep permuted-mnist --epochs 3 --hidden-sizes 400,400
                                                        a smaller network and budget
  si sweep split-mnist --strengths 0.5,1,2 --elastic-strengths
                                                        a finer search, with one method only

All settings are those of `si EXPERIMENT --help`. Unless you say otherwise, the seeds differ from
the experiment's and the test images are not used. Use the best strength in the experiment itself.";

/// Find the strength of a method by a coarse search on held-out training images
///
/// Tests on the last training images of each task instead of the test images. By default, strengths
/// are a factor of ten apart. At the end, prints the strength with the best average accuracy after
/// the last task.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SweepArgs {
    /// The experiment
    #[arg(
        value_name = "EXPERIMENT",
        value_parser = PossibleValuesParser::new(Experiment::ALL.map(Experiment::name))
            .try_map(|name| name.parse::<Experiment>())
    )]
    experiment: Experiment,
    #[command(flatten)]
    settings: Settings,
}

pub(crate) fn run(args: &SweepArgs) -> anyhow::Result<()> {
    let root = Path::new(ROOT).join("sweep");
    let folder = experiment::run_in("sweep ", &root, base(args.experiment), &args.settings)?;
    let summary = Summary::new(folder.config(), &folder.records()?)?;
    for (method, symbol) in [(Method::Si, "c"), (Method::Ewc, "λ")] {
        if let Some(best) = best(&summary, method) {
            let strength = best.condition.strength;
            let tried: Vec<f64> = strengths(&summary, method).collect();
            if tried.len() > 1
                && (tried.iter().all(|c| *c <= strength) || tried.iter().all(|c| *c >= strength))
            {
                output::note(format_args!(
                    "{symbol} = {strength} is at the end of the range tried: try values beyond it"
                ));
            }
            output::result(format_args!(
                "best on held-out images: {} with {symbol} = {}, {:.2} % on average at the end",
                method.name(),
                strength,
                100.0 * average(best)
            ))?;
        }
    }
    Ok(())
}

/// The paper's protocol with a coarse grid, on images and seeds that the experiments do not report on.
fn base(experiment: Experiment) -> ExperimentConfig {
    let paper = ExperimentConfig::paper(experiment);
    let (num_held_out, elastic_strengths) = match experiment {
        Experiment::SplitMnist => (2000, vec![10.0, 100.0, 1e3, 1e4, 1e5]),
        Experiment::PermutedMnist => (10_000, vec![1.0, 10.0, 100.0, 1e3, 1e4]),
        Experiment::SplitCifar => (1000, vec![10.0, 100.0, 1e3, 1e4, 1e5]),
    };
    ExperimentConfig {
        strengths: vec![0.001, 0.01, 0.1, 1.0, 10.0],
        elastic_strengths,
        controls: Vec::new(),
        num_held_out: Some(num_held_out),
        record_correlations: false,
        num_seeds: 1,
        first_seed: FIRST_SEED,
        ..paper
    }
}

/// Far from the first seeds of the experiments.
const FIRST_SEED: u64 = 1000;

fn strengths(summary: &Summary, method: Method) -> impl Iterator<Item = f64> {
    let conditions = summary.conditions.iter();
    conditions
        .filter(move |one| one.condition.method == method)
        .map(|one| one.condition.strength)
}

fn best(summary: &Summary, method: Method) -> Option<&ConditionSummary> {
    let of_method = |one: &&ConditionSummary| one.condition.method == method;
    let conditions = summary.conditions.iter().filter(of_method);
    // Among equals, the weakest strength wins.
    conditions.max_by(|left, right| {
        let weaker = right.condition.strength.total_cmp(&left.condition.strength);
        average(left).total_cmp(&average(right)).then(weaker)
    })
}

fn average(condition: &ConditionSummary) -> f64 {
    condition
        .average_accuracy
        .last()
        .map_or(0.0, |last| last.mean)
}
