use std::sync::LazyLock;

use serde::Deserialize;

use crate::experiment::{Condition, Experiment, ExperimentConfig, Scenario};
use crate::methods::IncompleteSpec;
use crate::metrics::Statistic;
use crate::report::other_settings;

/// The numbers of a publication that compares methods. They hold for its protocol alone.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Published {
    /// Its name in tables.
    pub(super) title: String,
    /// Where the numbers are from.
    pub(super) source: String,
    /// How its runs differ from ours although the protocol is the same, in a sentence or more.
    pub(super) differences: String,
    num_runs: usize,
    numbers: Vec<Number>,
}

/// Average accuracy over all tasks after the last one, on test images, in `[0, 1]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    scenario: Scenario,
    method: IncompleteSpec,
    mean: f64,
    /// The root of the mean square over the runs, which divides by their number.
    std: f64,
}

impl Published {
    /// The publication whose protocol is that of `config`, in any of its scenarios.
    pub(super) fn of(config: &ExperimentConfig) -> Option<&'static Self> {
        departures(config)?.is_empty().then(|| &*HSU_2018)
    }

    /// The publication whose protocol is that of `config` except for a few settings, and these, with their values in
    /// `config`.
    pub(super) fn near(config: &ExperimentConfig) -> Option<(&'static Self, Vec<String>)> {
        let settings = departures(config)?;
        let are_few = (1..=FEW_SETTINGS).contains(&settings.len());
        are_few.then(|| (&*HSU_2018, settings))
    }

    /// Its number for a method, with the standard deviation that divides by n − 1. A strength may be any, and the other
    /// parameters are those of the publication, otherwise their defaults.
    pub(super) fn number(
        &self,
        config: &ExperimentConfig,
        condition: &Condition,
    ) -> Option<Statistic> {
        let is_usual = |number: &Number| {
            condition.values().all(|(parameter, value)| {
                parameter.is_strength
                    || number.method.gives(parameter)
                    || parameter.is_default(config, value)
            })
        };
        let is_it = |it: &&Number| {
            it.scenario == config.scenario && it.method.is_of(condition) && is_usual(it)
        };
        let number = self.numbers.iter().find(is_it)?;
        let n = self.num_runs as f64;
        Some(Statistic {
            n: self.num_runs,
            mean: number.mean,
            std: Some(number.std * (n / (n - 1.0)).sqrt()),
            sem: Some(number.std / (n - 1.0).sqrt()),
        })
    }
}

/// If more settings than this differ, it is another experiment.
const FEW_SETTINGS: usize = 3;

/// The settings in which `config` differs from the protocol of Hsu et al. 2018, in any of its scenarios, with their values
/// in `config`. `None` if it is of another experiment.
fn departures(config: &ExperimentConfig) -> Option<Vec<String>> {
    let protocol = ExperimentConfig {
        scenario: config.scenario,
        momentum: config.momentum,
        ..hsu_2018()
    };
    let is_same = config.experiment == protocol.experiment;
    is_same.then(|| other_settings(config, &protocol))
}

/// The protocol of Hsu et al. 2018, in the scenario `task`.
fn hsu_2018() -> ExperimentConfig {
    let text = include_str!("../../paper/hsu2018_split_mnist.toml");
    ExperimentConfig::paper(Experiment::SplitMnist)
        .with_toml_except_methods(text)
        .expect("the file in the repository is valid, as a test checks")
}

static HSU_2018: LazyLock<Published> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../paper/hsu2018_split_mnist.json"))
        .expect("the file in the repository is well formed, as a test checks")
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::methods;

    #[test]
    fn every_number_is_that_of_a_method_in_each_scenario_once() {
        for number in &HSU_2018.numbers {
            assert!((0.0..=1.0).contains(&number.mean) && (0.0..0.1).contains(&number.std));
            let same =
                |it: &&Number| (it.scenario, &it.method) == (number.scenario, &number.method);
            assert_eq!(HSU_2018.numbers.iter().filter(same).count(), 1);
            let of_method = |it: &&Number| it.method == number.method;
            assert_eq!(HSU_2018.numbers.iter().filter(of_method).count(), 3);
        }
    }

    #[test]
    fn a_protocol_has_published_numbers_only_if_it_is_that_of_the_publication() {
        let protocol = ExperimentConfig {
            scenario: Scenario::Class,
            num_seeds: 2,
            ..hsu_2018()
        };
        let published = Published::of(&protocol).expect("it is the same");
        assert_eq!(published.title, "Hsu et al. 2018");
        for other in [
            ExperimentConfig {
                num_epochs: 3,
                ..protocol.clone()
            },
            ExperimentConfig {
                num_held_out: Some(1000),
                ..protocol.clone()
            },
            ExperimentConfig::paper(Experiment::SplitMnist),
            ExperimentConfig::paper(Experiment::SplitCifar),
        ] {
            assert_eq!(Published::of(&other), None);
        }
    }

    #[test]
    fn a_protocol_is_near_that_of_the_publication_if_few_settings_differ() {
        let one = ExperimentConfig {
            scenario: Scenario::Class,
            num_epochs: 1,
            ..hsu_2018()
        };
        let (published, settings) = Published::near(&one).expect("one setting differs");
        assert_eq!(published.title, "Hsu et al. 2018");
        assert_eq!(settings, ["num_epochs = 1"]);
        for other in [
            hsu_2018(),
            ExperimentConfig::paper(Experiment::SplitMnist),
            ExperimentConfig::paper(Experiment::PermutedMnist),
        ] {
            assert_eq!(Published::near(&other), None);
        }
    }

    /// The number of a method in a scenario.
    fn number_in(scenario: Scenario, method: &str) -> Option<Statistic> {
        let config = ExperimentConfig {
            methods: methods(method),
            scenario,
            ..hsu_2018()
        };
        HSU_2018.number(&config, &config.conditions()[0])
    }

    #[test]
    fn synaptic_intelligence_has_its_number_with_their_damping_too() {
        for scenario in [Scenario::Task, Scenario::Domain, Scenario::Class] {
            let ours = number_in(scenario, "si").expect("it is there");
            let theirs = number_in(scenario, "si:c=3000:xi=0.1");
            assert_eq!(theirs, Some(ours), "{scenario:?}");
        }
    }

    #[test]
    fn the_spread_becomes_that_of_a_sample() {
        let number = |method: &str| number_in(Scenario::Task, method);
        let si = number("si").expect("it is there");
        assert_eq!((si.n, si.mean), (10, 0.9856));
        let std = si.std.expect("ten runs");
        assert!((std - 0.0049 * (10.0_f64 / 9.0).sqrt()).abs() < 1e-12);
        assert!((si.sem.expect("ten runs") - std / 10.0_f64.sqrt()).abs() < 1e-12);
        assert!(number("ewc:lambda=3").is_some(), "of any strength");
        assert!(number("er:size=1100").is_some());
        for other in [
            "er",
            "dropout",
            "si+er:size=1100",
            "si:normalization=mean:c=1",
            "si:xi=0.2",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
