use burn::module::Module;
use burn::tensor::Device;

use crate::methods::{Compared, Functional, Growth, Parts, Trunk};
use crate::model::{CnnConfig, MlpConfig, NetworkConfig, ProgressiveConfig, Units};
use crate::task::TaskSequence;

use super::random::{Purpose, generator};
use super::{Condition, Experiment, ExperimentConfig, Scenario};

impl ExperimentConfig {
    /// The network that learns `tasks` under `condition`.
    pub(super) fn network(&self, tasks: &TaskSequence, condition: &Condition) -> NetworkConfig {
        self.network_with(tasks, &condition.parts())
    }

    /// Number of parameters of the network that learns `tasks` with nothing against forgetting.
    pub(super) fn num_plain_parameters(&self, tasks: &TaskSequence, device: &Device) -> usize {
        let network = self.network_with(tasks, &Parts::default());
        let mut rng = generator(0, Purpose::InitialParameters);
        network.init(&mut rng, device).num_params()
    }

    /// Number of parameters of the hidden layers. `None` if the network is no perceptron.
    pub(super) fn num_hidden_parameters(&self) -> Option<usize> {
        let image_shape = match &self.image_set {
            Some(images) => images.shape,
            None => self.data_set?.image_shape(),
        };
        let mut num_inputs = image_shape.iter().product::<usize>();
        let mut num_parameters = 0_usize;
        for &size in &self.hidden_sizes {
            let of_layer = num_inputs.saturating_add(1).saturating_mul(size);
            num_parameters = num_parameters.saturating_add(of_layer);
            num_inputs = size;
        }
        Some(num_parameters)
    }

    fn network_with(&self, tasks: &TaskSequence, parts: &Parts) -> NetworkConfig {
        let num_inputs = tasks.image_shape.iter().product();
        let units = parts.units.unwrap_or(self.activation.into());
        let dropout = parts.dropout.unwrap_or(self.usual_dropout());
        let zero_readout = self.experiment.has_zero_readout();
        if parts.growth == Some(Growth::ColumnPerTask) {
            return NetworkConfig::Progressive(ProgressiveConfig {
                num_inputs,
                hidden_sizes: self.hidden_sizes.clone(),
                num_outputs: tasks.tasks.iter().map(|it| it.outputs.len()).collect(),
                units,
                dropout,
                zero_readout,
            });
        }
        match (self.experiment, &self.hidden_sizes[..]) {
            (Experiment::SplitCifar, &[first, second, hidden_size]) => {
                NetworkConfig::Cnn(CnnConfig {
                    channels: [first, second],
                    hidden_size,
                    hidden_dropout: dropout,
                    ..CnnConfig::paper(tasks.image_shape, tasks.num_outputs)
                })
            }
            _ => NetworkConfig::Mlp(MlpConfig {
                num_inputs,
                hidden_sizes: self.hidden_sizes.clone(),
                num_outputs: tasks.num_outputs,
                units,
                dropout,
                zero_readout,
            }),
        }
    }

    /// Probability that a unit of a dense hidden layer is dropped without the method `dropout`.
    fn usual_dropout(&self) -> f64 {
        match self.experiment {
            Experiment::SplitMnist | Experiment::PermutedMnist => 0.0,
            Experiment::SplitCifar => CnnConfig::HIDDEN_DROPOUT,
        }
    }

    /// Why the network of this experiment cannot be what `condition` needs. `None` if it can.
    pub(super) fn unfit(&self, condition: &Condition) -> Option<String> {
        let Parts {
            trunk,
            units,
            dropout,
            growth,
            functional,
            ..
        } = condition.parts();
        let is_about_features = |it: Functional| it.compared == Compared::Features;
        let is_about_layers = trunk.is_some()
            || units.is_some()
            || dropout.is_some()
            || growth.is_some()
            || functional.is_some_and(is_about_features);
        if is_about_layers && self.hidden_sizes.is_empty() {
            return Some("it acts on hidden layers, but hidden_sizes is empty".to_string());
        }
        if let Some(Trunk::WarmUp { num_epochs }) = trunk
            && num_epochs >= self.num_epochs
        {
            return Some(format!(
                "its trunk would never learn: warm_up must be below num_epochs, which is {}",
                self.num_epochs
            ));
        }
        let usual = self.usual_dropout();
        if dropout == Some(usual) {
            return Some(format!(
                "hidden units are dropped with probability {usual} anyway; give another rate, as in dropout:rate=0.25"
            ));
        }
        if self.experiment == Experiment::SplitCifar {
            return if units.is_some() {
                Some("its hidden units need a perceptron".to_string())
            } else {
                growth.map(|_| "progressive networks need a perceptron".to_string())
            };
        }
        if growth.is_some() && self.scenario != Scenario::Task {
            return Some("progressive networks need --scenario task".to_string());
        }
        let Some(Units::Lwta { block }) = units else {
            return None;
        };
        let mut sizes = self.hidden_sizes.iter();
        let unfit = sizes.find(|size| !size.is_multiple_of(block));
        unfit.map(|size| {
            format!("a hidden layer of {size} units cannot be divided into blocks of {block}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::methods;

    fn error(experiment: Experiment, method: &str, hidden_sizes: &[usize]) -> String {
        let config = ExperimentConfig {
            methods: methods(method),
            hidden_sizes: hidden_sizes.to_vec(),
            ..ExperimentConfig::paper(experiment)
        };
        match config.validate() {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn blocks_must_fill_every_hidden_layer() {
        let found = |method| error(Experiment::SplitMnist, method, &[12, 8]);
        assert_eq!(found("lwta"), "");
        assert_eq!(found("si+lwta:block=4"), "");
        assert_eq!(
            found("lwta:block=3"),
            "the method lwta:block=3 is not possible in split-mnist: a hidden layer of 8 units cannot be divided into \
             blocks of 3"
        );
        assert_eq!(found("maxout:pieces=5"), "");
    }

    #[test]
    fn what_acts_on_hidden_layers_needs_one() {
        for method in [
            "freezing",
            "lfl",
            "lwta",
            "maxout",
            "dropout",
            "progressive",
        ] {
            assert_eq!(
                error(Experiment::PermutedMnist, method, &[]),
                format!(
                    "the method {method} is not possible in permuted-mnist: it acts on hidden layers, but hidden_sizes \
                     is empty"
                )
            );
        }
        assert_eq!(error(Experiment::PermutedMnist, "si", &[]), "");
    }

    #[test]
    fn a_warm_up_is_shorter_than_a_task() {
        let num_epochs = ExperimentConfig::paper(Experiment::SplitMnist).num_epochs;
        let found = |warm_up| {
            error(
                Experiment::SplitMnist,
                &format!("lwf:warm_up={warm_up}"),
                &[4],
            )
        };
        assert_eq!(found(num_epochs - 1), "");
        assert_eq!(
            found(num_epochs),
            format!(
                "the method lwf:warm_up={num_epochs} is not possible in split-mnist: its trunk would never learn: warm_up \
                 must be below num_epochs, which is {num_epochs}"
            )
        );
    }

    #[test]
    fn progressive_networks_need_a_perceptron_and_the_task() {
        assert_eq!(error(Experiment::SplitMnist, "progressive", &[4]), "");
        assert_eq!(
            error(Experiment::PermutedMnist, "progressive", &[4]),
            "the method progressive is not possible in permuted-mnist: progressive networks need --scenario task"
        );
        assert_eq!(
            error(Experiment::SplitCifar, "progressive", &[4, 4, 8]),
            "the method progressive is not possible in split-cifar: progressive networks need a perceptron"
        );
    }

    #[test]
    fn dropout_must_change_the_rate_of_the_hidden_layer() {
        for (experiment, usual, other) in [
            (Experiment::SplitMnist, "dropout:rate=0", "dropout"),
            (Experiment::SplitCifar, "dropout", "si+dropout:rate=0"),
        ] {
            let sizes = &[4, 4, 8];
            let error_of_usual = error(experiment, usual, sizes);
            assert!(
                error_of_usual.ends_with(" anyway; give another rate, as in dropout:rate=0.25"),
                "{error_of_usual}"
            );
            assert_eq!(error(experiment, other, sizes), "");
        }
    }

    #[test]
    fn dropout_of_split_cifar_changes_its_dense_layer_alone() {
        let config = ExperimentConfig {
            methods: methods("none,dropout:rate=0.2"),
            ..ExperimentConfig::paper(Experiment::SplitCifar)
        };
        let tasks = TaskSequence {
            name: "made up".to_string(),
            tasks: Vec::new(),
            num_outputs: 4,
            image_shape: [3, 32, 32],
        };
        let [plain, dropout] =
            [0, 1].map(|index| config.network(&tasks, &config.conditions()[index]));
        let paper = CnnConfig::paper([3, 32, 32], 4);
        let changed = CnnConfig {
            hidden_dropout: 0.2,
            ..paper.clone()
        };
        assert_eq!(plain, NetworkConfig::Cnn(paper));
        assert_eq!(dropout, NetworkConfig::Cnn(changed));
    }

    #[test]
    fn other_hidden_units_need_a_perceptron() {
        for method in ["lwta", "maxout"] {
            assert_eq!(
                error(Experiment::SplitCifar, method, &[4, 4, 8]),
                format!(
                    "the method {method} is not possible in split-cifar: its hidden units need a perceptron"
                )
            );
        }
        assert_eq!(error(Experiment::SplitCifar, "freezing", &[4, 4, 8]), "");
    }
}
