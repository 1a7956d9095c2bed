use crate::experiment::{Experiment, ExperimentConfig};
use crate::methods::methods;
use crate::report::Reference;

/// The size of the experiments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// What two CPU cores do in about three hours.
    Reduced,
    /// The paper's protocol with the paper's number of seeds, for a GPU or a long weekend.
    Full,
}

/// The protocol of an experiment with this budget.
pub fn protocol(experiment: Experiment, budget: Budget) -> ExperimentConfig {
    let full = full(experiment);
    match (budget, experiment) {
        (Budget::Full, _) | (Budget::Reduced, Experiment::SplitMnist) => full,
        (Budget::Reduced, Experiment::PermutedMnist) => ExperimentConfig {
            // From a search with `si sweep` under this protocol. The paper's c is for more steps, in which more
            // importance builds up.
            methods: methods("none,si:c=1,ewc:lambda=30,dropout,joint,scratch"),
            num_epochs: 2,
            batch_size: 64,
            hidden_sizes: vec![400, 400],
            num_train_evaluated: Some(2000),
            num_seeds: 3,
            ..full
        },
        (Budget::Reduced, Experiment::SplitCifar) => ExperimentConfig {
            // The paper's network and images, and as many steps: batches of a quarter of the size, for a quarter of the
            // epochs.
            methods: methods("none,si:c=0.01,scratch"),
            num_epochs: 15,
            batch_size: 64,
            num_train_evaluated: Some(1000),
            num_seeds: 3,
            ..full
        },
    }
}

fn full(experiment: Experiment) -> ExperimentConfig {
    let paper = ExperimentConfig::paper(experiment);
    match experiment {
        Experiment::SplitMnist => ExperimentConfig {
            num_seeds: 10,
            ..paper
        },
        Experiment::PermutedMnist => ExperimentConfig {
            methods: methods("none,si:c=0.1,ewc:lambda=30,dropout,joint,scratch"),
            ..paper
        },
        Experiment::SplitCifar => ExperimentConfig {
            num_seeds: 5,
            ..paper
        },
    }
}

/// The settings that `config` reduces compared with the paper, with their values. Empty for the
/// full protocol.
pub fn reductions(config: &ExperimentConfig) -> Vec<String> {
    Reference::departures(config)
}
