use serde::{Deserialize, Serialize};

use crate::experiment::{
    Activation, Experiment, ExperimentConfig, Optimizer, OptimizerReset, Scenario,
};
use crate::methods::methods;

use super::Configuration;

/// The settings of a study of the possibilities frontier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontierStudy {
    /// Random configurations, each of which all networks learn with; at least 1.
    pub num_configurations: usize,
    /// Seed of the configurations.
    pub seed: u64,
    /// What all configurations have in common. Its first seed, which is that of every run, decides the order of the new
    /// task's pixels, so all configurations have the same two tasks. Its methods, sizes, learning rate and momentum are
    /// not stored, because each configuration replaces them.
    #[serde(with = "super::protocol")]
    pub protocol: ExperimentConfig,
}

impl FrontierStudy {
    /// As many configurations as in the paper.
    pub const NUM_CONFIGURATIONS: usize = 25;
    /// Training images of each task.
    pub const NUM_TRAIN_IMAGES: usize = 5000;
    /// Epochs of each task.
    pub const NUM_EPOCHS: usize = 10;

    /// The reduced protocol: MNIST as it is, and then with its pixels in a random order, learnt with SGD and tested after
    /// every epoch.
    pub fn reduced(num_configurations: usize, seed: u64) -> Self {
        let protocol = ExperimentConfig {
            scenario: Scenario::Domain,
            num_tasks: NUM_TASKS,
            // Each configuration replaces them, as well as sizes, learning rate and momentum.
            methods: methods("none"),
            num_train_images: Some(Self::NUM_TRAIN_IMAGES),
            num_train_evaluated: Some(NUM_TRAIN_EVALUATED),
            num_epochs: Self::NUM_EPOCHS,
            batch_size: 100,
            activation: Activation::Relu,
            optimizer: Optimizer::Sgd,
            reset_optimizer: OptimizerReset::All,
            record_correlations: false,
            evaluate_each_epoch: true,
            num_seeds: 1,
            first_seed: seed,
            ..ExperimentConfig::paper(Experiment::PermutedMnist)
        };
        Self {
            num_configurations,
            seed,
            protocol,
        }
    }

    /// The configurations, in order.
    pub fn configurations(&self) -> impl Iterator<Item = Configuration> + use<> {
        let seed = self.seed;
        (1..=self.num_configurations).map(move |number| Configuration::draw(seed, number))
    }

    /// The experiment of a configuration: a run of each network, in the order of [`NetworkKind::all`](super::NetworkKind::all).
    pub fn experiment(&self, configuration: &Configuration) -> ExperimentConfig {
        ExperimentConfig {
            methods: configuration.methods(),
            hidden_sizes: configuration.hidden_sizes.clone(),
            learning_rate: configuration.learning_rate,
            momentum: configuration.momentum,
            ..self.protocol.clone()
        }
    }
}

/// The old task and the new one.
const NUM_TASKS: usize = 2;
/// Training accuracy is not used, so it is measured on few images.
const NUM_TRAIN_EVALUATED: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_experiment_is_valid_and_has_the_same_tasks() {
        let study = FrontierStudy::reduced(40, 7);
        for configuration in study.configurations() {
            let config = study.experiment(&configuration);
            config.validate().expect("what is drawn is valid");
            assert_eq!(config.methods.len(), 6);
            assert_eq!(config.seeds().collect::<Vec<u64>>(), [7]);
        }
    }

    #[test]
    fn more_configurations_do_not_change_the_first_ones() {
        let numbers = |count| FrontierStudy::reduced(count, 1).configurations();
        assert!(numbers(3).eq(numbers(5).take(3)));
        assert_eq!(numbers(5).count(), 5);
    }

    #[test]
    fn a_study_is_read_back_to_the_same() {
        let study = FrontierStudy::reduced(2, 3);
        let text = toml::to_string_pretty(&study).expect("TOML's types");
        let read: FrontierStudy = crate::read_toml(&text).expect("it is one");
        assert_eq!(read, study);
    }
}
