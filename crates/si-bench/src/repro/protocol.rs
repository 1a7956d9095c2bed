use crate::experiment::{Experiment, ExperimentConfig};
use crate::report::Reference;

/// How much is spent on the experiments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// What two CPU cores do in about two and a half hours.
    Reduced,
    /// The paper's protocol and as many seeds, for a GPU or a long weekend.
    Full,
}

/// What is run of an experiment on that budget.
pub fn protocol(experiment: Experiment, budget: Budget) -> ExperimentConfig {
    let full = full(experiment);
    match (budget, experiment) {
        (Budget::Full, _) | (Budget::Reduced, Experiment::SplitMnist) => full,
        (Budget::Reduced, Experiment::PermutedMnist) => ExperimentConfig {
            // Of a search with `si sweep` under this protocol; the paper's c is that of more steps, over
            // which more importance builds up.
            strengths: vec![0.0, 1.0],
            num_epochs: 2,
            batch_size: 64,
            hidden_sizes: vec![400, 400],
            num_train_evaluated: Some(2000),
            num_seeds: 3,
            ..full
        },
        (Budget::Reduced, Experiment::SplitCifar) => ExperimentConfig {
            // Small batches, for almost as many steps on a task of CIFAR-100 as in the paper, and few
            // images, so that a network from scratch learns them by heart as it does there.
            num_epochs: 30,
            batch_size: 64,
            hidden_sizes: vec![16, 32, 256],
            num_train_images: Some(2000),
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
            elastic_strengths: vec![30.0],
            ..paper
        },
        Experiment::SplitCifar => ExperimentConfig {
            num_seeds: 5,
            ..paper
        },
    }
}

/// What `config` spends less on than the paper, with its values; empty at the full protocol.
pub fn reductions(config: &ExperimentConfig) -> Vec<String> {
    Reference::departures(config)
}
