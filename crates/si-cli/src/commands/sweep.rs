use std::path::Path;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use si_bench::experiment::{ConditionSummary, Experiment, ExperimentConfig, Summary};
use si_bench::methods::{METHODS, Method, MethodSpec};

use crate::output_folder::ROOT;
use crate::settings::Settings;
use crate::{experiment, output};

const EXAMPLES: &str = "\
Examples:
  si sweep split-mnist                                  five strengths of si and of ewc
  si sweep permuted-mnist --epochs 3 --hidden-sizes 400,400
                                                        a smaller network and budget
  si sweep split-mnist --methods si:c=0.5,si:c=1,si:c=2
                                                        a finer search, with one method only

All settings are those of `si EXPERIMENT --help`. Unless you say otherwise, the seeds differ from
the experiment's and the test images are not used. Use the best strength in the experiment itself.";

/// Find the strength of a method by a coarse search on held-out training images
///
/// Tests on the last training images of each task instead of the test images. By default, tries
/// strengths of si and of ewc that are a factor of ten apart. At the end, prints the strength with the best average accuracy after
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
    for method in METHODS {
        let (Some(best), Some(parameter)) = (best(&summary, method), method.strength()) else {
            continue;
        };
        let symbol = parameter.symbol;
        let strength = strength(best);
        let tried: Vec<f64> = of_method(&summary, method).map(self::strength).collect();
        if tried.len() > 1
            && (tried.iter().all(|c| *c <= strength) || tried.iter().all(|c| *c >= strength))
        {
            output::note(format_args!(
                "{symbol} = {strength} is at the end of the range tried: try values beyond it"
            ));
        }
        output::result(format_args!(
            "best on held-out images: {} with {symbol} = {strength}, {:.2} % on average at the end",
            method.title,
            100.0 * average(best)
        ))?;
    }
    Ok(())
}

/// The paper's protocol with a coarse grid, on images and seeds that the experiments do not report on.
fn base(experiment: Experiment) -> ExperimentConfig {
    let paper = ExperimentConfig::paper(experiment);
    let num_held_out = match experiment {
        Experiment::SplitMnist => 2000,
        Experiment::PermutedMnist => 10_000,
        Experiment::SplitCifar => 1000,
    };
    ExperimentConfig {
        methods: SEARCHED
            .iter()
            .flat_map(|method| grid(method, experiment))
            .collect(),
        num_held_out: Some(num_held_out),
        record_correlations: false,
        num_seeds: 1,
        first_seed: FIRST_SEED,
        ..paper
    }
}

/// Far from the first seeds of the experiments.
const FIRST_SEED: u64 = 1000;

/// The methods of a search if none are given.
const SEARCHED: [&str; 2] = ["si", "ewc"];

/// The method with each strength of its grid.
fn grid(method: &str, experiment: Experiment) -> Vec<MethodSpec> {
    let row = METHODS.into_iter().find(|row| row.key == method);
    let Some(parameter) = row.and_then(Method::strength) else {
        return Vec::new();
    };
    let spec = |value: &f64| {
        let spec = format!("{method}:{}={value}", parameter.key);
        spec.parse()
            .expect("the grid is in the parameter's range, as a test checks")
    };
    (parameter.search)(experiment).iter().map(spec).collect()
}

fn of_method<'a>(
    summary: &'a Summary,
    method: &'a Method,
) -> impl Iterator<Item = &'a ConditionSummary> {
    let conditions = summary.conditions.iter();
    conditions.filter(move |one| one.condition.is(method))
}

fn best<'a>(summary: &'a Summary, method: &'a Method) -> Option<&'a ConditionSummary> {
    // Among equals, the weakest strength wins.
    of_method(summary, method).max_by(|left, right| {
        let weaker = strength(right).total_cmp(&strength(left));
        average(left).total_cmp(&average(right)).then(weaker)
    })
}

fn strength(condition: &ConditionSummary) -> f64 {
    condition.condition.strength().unwrap_or(0.0)
}

fn average(condition: &ConditionSummary) -> f64 {
    condition
        .average_accuracy
        .last()
        .map_or(0.0, |last| last.mean)
}
