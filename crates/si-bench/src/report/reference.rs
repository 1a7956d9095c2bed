use std::sync::LazyLock;

use serde::Deserialize;
use si_core::settings::Normalization;

use crate::experiment::{Condition, Experiment, ExperimentConfig, Optimizer, OptimizerReset};
use crate::methods::{MethodSpec, default_damping};

/// The paper's numbers for an experiment, and where they come from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Where they are in the paper.
    pub title: String,
    /// What they measure.
    pub measure: String,
    /// The images that it is measured on.
    pub data: Data,
    /// Number of the paper's runs.
    pub num_runs: usize,
    /// The error of reading them off, in accuracy.
    pub reading_error: f64,
    /// Where they were taken from, in a sentence or two.
    pub source: String,
    /// What to keep in mind about them.
    pub caveat: String,
    /// One curve per condition.
    pub curves: Vec<Curve>,
}

/// The images that an accuracy is measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// The training images.
    Train,
    /// The test images.
    Test,
}

/// A condition of the paper's figure.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curve {
    /// The method, with the parameters that the paper gives for the curve.
    pub method: MethodSpec,
    /// Average over the tasks seen so far, after each task, in `[0, 1]`; `[tasks]`. Empty if the
    /// paper has none.
    #[serde(default)]
    pub average_accuracy: Vec<f64>,
    /// Test accuracy on each task after the last one, in `[0, 1]`; for training from scratch, right
    /// after the task itself; `[tasks]`. Empty if the paper has none.
    #[serde(default)]
    pub final_accuracy: Vec<f64>,
    /// Its standard deviation over runs, with n − 1; `[tasks]`. Empty if the paper has none.
    #[serde(default)]
    pub final_accuracy_std: Vec<f64>,
    /// The same as `final_accuracy`, on the training images; `[tasks]`. Empty if the paper has
    /// none.
    #[serde(default)]
    pub final_train_accuracy: Vec<f64>,
}

impl Reference {
    /// The numbers that the paper gives for `experiment`.
    pub fn of(experiment: Experiment) -> &'static Self {
        match experiment {
            Experiment::SplitMnist => &SPLIT_MNIST,
            Experiment::PermutedMnist => &PERMUTED_MNIST,
            Experiment::SplitCifar => &SPLIT_CIFAR,
        }
    }

    /// The paper's curve under this condition, if it has one.
    pub fn curve(&self, condition: &Condition) -> Option<&Curve> {
        let mut curves = self.curves.iter();
        curves.find(|curve| curve.method.is_of(condition))
    }

    /// The keys in which `config` differs from the paper's protocol, with their values in `config`.
    /// If there are any, the paper's numbers do not apply to it.
    ///
    /// Methods, seeds, the device, its threads and folders do not count: a curve belongs to one method, and the
    /// others only say where and how often something runs. A damping of Synaptic Intelligence other than the paper's
    /// counts, and so does a normalization. Whether a reset of the optimizer keeps its step count does
    /// not count either, because the paper leaves it open.
    pub fn departures(config: &ExperimentConfig) -> Vec<String> {
        let mut paper = ExperimentConfig::paper(config.experiment);
        if config.optimizer != Optimizer::Sgd {
            paper.momentum = config.momentum;
        }
        if config.reset_optimizer == OptimizerReset::Moments
            && paper.reset_optimizer == OptimizerReset::All
        {
            paper.reset_optimizer = OptimizerReset::Moments;
        }
        let damping = default_damping(&paper);
        let settings = other_settings(config, &paper);
        let conditions = config.conditions();
        let dampings = conditions.iter().filter_map(|it| it.value("xi"));
        let mut dampings: Vec<f64> = dampings.filter(|it| *it != damping).collect();
        dampings.dedup();
        let dampings = dampings.into_iter().map(|it| format!("xi = {it}"));
        let synaptic = conditions.iter().filter_map(|it| it.parts().synaptic);
        let normalizations = synaptic.map(|it| it.normalization);
        let mut normalizations: Vec<Normalization> = normalizations
            .filter(|it| *it != Normalization::Off)
            .collect();
        normalizations.dedup();
        let normalizations = normalizations
            .into_iter()
            .map(|it| format!("normalization = {it:?}").to_lowercase());
        dampings.chain(normalizations).chain(settings).collect()
    }
}

/// The keys in which the protocol of one condition in `config` differs from that in `protocol`, with their values in `config`.
pub(crate) fn other_settings(
    config: &ExperimentConfig,
    protocol: &ExperimentConfig,
) -> Vec<String> {
    let table = |config: &ExperimentConfig| toml::Table::try_from(config).unwrap_or_default();
    let (config, protocol) = (table(config), table(protocol));
    let of_protocol = |key: &String| !FREE_KEYS.contains(&key.as_str());
    let other = config
        .iter()
        .filter(|(key, value)| protocol.get(*key) != Some(value));
    let other = other.map(|(key, value)| (key, format!("{key} = {value}")));
    // A switch is not stored if it is off.
    let off = protocol
        .iter()
        .filter(|(key, value)| value.is_bool() && !config.contains_key(*key));
    let off = off.map(|(key, _)| (key, format!("{key} = false")));
    let settings = other.chain(off).filter(|(key, _)| of_protocol(key));
    settings.map(|(_, text)| text).collect()
}

/// Keys that are not part of the protocol of one condition.
const FREE_KEYS: [&str; 17] = [
    "methods",
    "fisher_labels",
    "num_importance_images",
    "num_train_evaluated",
    "record_correlations",
    "evaluate_each_epoch",
    "num_seeds",
    "first_seed",
    "device",
    "matmul_precision",
    "num_jobs",
    "num_replicas",
    "num_threads",
    "checkpoint_seconds",
    "data_dir",
    "output_dir",
    // `images` names them.
    "image_set",
];

static SPLIT_MNIST: LazyLock<Reference> =
    LazyLock::new(|| read(include_str!("../../paper/split_mnist_fig3.json")));
static PERMUTED_MNIST: LazyLock<Reference> =
    LazyLock::new(|| read(include_str!("../../paper/permuted_mnist_fig4.json")));
static SPLIT_CIFAR: LazyLock<Reference> =
    LazyLock::new(|| read(include_str!("../../paper/split_cifar_fig6.json")));

fn read(text: &str) -> Reference {
    serde_json::from_str(text)
        .expect("the files in the repository are well formed, as a test checks")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::methods::methods;

    #[test]
    fn the_file_has_the_papers_curves() {
        let reference = Reference::of(Experiment::SplitMnist);

        assert_eq!(reference.num_runs, 10);
        let last: Vec<f64> = fixture::config(&[0.0, 1.0], 1)
            .conditions()
            .iter()
            .map(|condition| reference.curve(condition).expect("a curve of the paper"))
            .map(|curve| curve.average_accuracy[4])
            .collect();
        assert_eq!(last, [0.8584, 0.9906]);
        let other = &fixture::config(&[0.1], 1).conditions()[0];
        assert_eq!(reference.curve(other), None);
    }

    #[test]
    fn every_list_of_every_file_has_an_entry_per_task_or_none() {
        for experiment in Experiment::ALL {
            let reference = Reference::of(experiment);
            let num_tasks = ExperimentConfig::paper(experiment).num_tasks;
            for curve in &reference.curves {
                for list in [
                    &curve.average_accuracy,
                    &curve.final_accuracy,
                    &curve.final_accuracy_std,
                    &curve.final_train_accuracy,
                ] {
                    assert!([0, num_tasks].contains(&list.len()), "{curve:?}");
                    assert!(list.iter().all(|value| (0.0..=1.0).contains(value)));
                }
            }
        }
    }

    #[test]
    fn the_averages_are_those_in_the_paper() {
        let last = |experiment, index: usize| {
            let curve = &Reference::of(experiment).curves[index];
            *curve.average_accuracy.last().expect("a curve")
        };
        assert_eq!(last(Experiment::PermutedMnist, 3), 0.9694);
        assert!((last(Experiment::SplitCifar, 1) - 0.7353).abs() < 5e-4);
    }

    #[test]
    fn a_switch_that_is_off_departs_from_a_protocol_in_which_it_is_on() {
        let off = fixture::config(&[0.0], 1);
        let on = ExperimentConfig {
            standardize: true,
            ..off.clone()
        };
        assert_eq!(other_settings(&off, &on), ["standardize = false"]);
        assert_eq!(other_settings(&on, &off), ["standardize = true"]);
        assert!(other_settings(&on, &on).is_empty());
    }

    #[test]
    fn seeds_and_strengths_do_not_depart_from_the_protocol() {
        let mut config = fixture::config(&[0.0, 0.3], 10);
        config.device = "cuda:1".to_string();
        config.num_jobs = Some(2);
        config.num_replicas = Some(4);
        config.num_threads = Some(3);
        config.checkpoint_seconds = Some(5.0);
        config.methods = methods("none,si:c=0.3:xi=0.001");
        config.momentum = 0.5;
        config.reset_optimizer = OptimizerReset::Moments;
        assert!(Reference::departures(&config).is_empty());
    }

    #[test]
    fn departures_are_named_with_their_values() {
        let mut config = fixture::config(&[1.0], 1);
        config.num_epochs = 1;
        config.methods = methods("si:xi=0.1");
        assert_eq!(
            Reference::departures(&config),
            ["xi = 0.1", "num_epochs = 1"]
        );
        config.methods =
            methods("si:c=1:normalization=mean,online-ewc:lambda=1:normalization=largest");
        assert_eq!(
            Reference::departures(&config),
            ["normalization = mean", "num_epochs = 1"]
        );
    }
}
