use std::sync::LazyLock;

use serde::Deserialize;

use crate::experiment::{Experiment, ExperimentConfig, Optimizer};

/// The paper's numbers for an experiment, and how they were come by.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Where in the paper they stand.
    pub title: String,
    /// What they measure.
    pub measure: String,
    /// Number of the paper's runs.
    pub num_runs: usize,
    /// How exactly they could be read, in accuracy.
    pub reading_error: f64,
    /// Where they were taken from, in a sentence or two.
    pub source: String,
    /// What to mind about them.
    pub caveat: String,
    /// One curve per strength.
    pub curves: Vec<Curve>,
}

/// A curve of the paper's figure.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// Strength c.
    pub strength: f64,
    /// Average over the tasks seen so far, after each task, in `[0, 1]`; `[tasks]`.
    pub average_accuracy: Vec<f64>,
}

impl Reference {
    /// The numbers that the paper gives for `experiment`.
    pub fn of(experiment: Experiment) -> &'static Self {
        match experiment {
            Experiment::SplitMnist => &SPLIT_MNIST,
        }
    }

    /// The paper's curve at this strength, if it has one.
    pub fn curve(&self, strength: f64) -> Option<&Curve> {
        self.curves.iter().find(|curve| curve.strength == strength)
    }

    /// The keys, with their values here, in which `config` departs from the paper's protocol, so
    /// that the paper's numbers are not its own.
    ///
    /// Strengths, seeds, the device and folders do not count: a curve belongs to one strength, and
    /// the others are where and how often something runs.
    pub fn departures(config: &ExperimentConfig) -> Vec<String> {
        let protocol = |config: &ExperimentConfig| {
            let config = ExperimentConfig {
                damping: Some(config.damping()),
                ..config.clone()
            };
            toml::Table::try_from(config).unwrap_or_default()
        };
        let mut paper = ExperimentConfig::paper(config.experiment);
        if config.optimizer != Optimizer::Sgd {
            paper.momentum = config.momentum;
        }
        let paper = protocol(&paper);
        protocol(config)
            .iter()
            .filter(|(key, value)| {
                !FREE_KEYS.contains(&key.as_str()) && paper.get(*key) != Some(value)
            })
            .map(|(key, value)| format!("{key} = {value}"))
            .collect()
    }
}

/// Keys that are no part of the protocol of one condition.
const FREE_KEYS: [&str; 7] = [
    "strengths",
    "num_seeds",
    "first_seed",
    "device",
    "num_jobs",
    "data_dir",
    "output_dir",
];

static SPLIT_MNIST: LazyLock<Reference> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../paper/split_mnist_fig3.json"))
        .expect("the file in the repository is well formed, as a test checks")
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_file_should_have_the_papers_curves() {
        let reference = Reference::of(Experiment::SplitMnist);

        assert_eq!(reference.num_runs, 10);
        let last = |strength| {
            let curve = reference.curve(strength).expect("a curve of the paper");
            curve.average_accuracy[4]
        };
        assert_eq!(last(0.0), 0.8584);
        assert_eq!(last(1.0), 0.9906);
        assert_eq!(reference.curve(0.1), None);
    }

    #[test]
    fn seeds_and_strengths_should_not_depart_from_the_protocol() {
        let mut config = fixture::config(&[0.0, 0.3], 10);
        config.device = "cuda:1".to_string();
        config.damping = Some(1e-3);
        config.momentum = 0.5;
        assert!(Reference::departures(&config).is_empty());
    }

    #[test]
    fn departures_should_be_named_with_their_values() {
        let mut config = fixture::config(&[1.0], 1);
        config.num_epochs = 1;
        config.damping = Some(0.1);
        assert_eq!(
            Reference::departures(&config),
            ["damping = 0.1", "num_epochs = 1"]
        );
    }
}
