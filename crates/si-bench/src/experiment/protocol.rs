use si_core::Preset;

use crate::AUTO;
use crate::data::DataSet;
use crate::methods::methods;

use super::{
    Activation, Experiment, ExperimentConfig, FisherLabels, Optimizer, OptimizerReset,
    RequiredPrecision, Scenario, StatePrecision,
};

impl ExperimentConfig {
    /// The [paper's protocol](Self::paper) for a search of strengths: it tests on training images that are held out.
    pub fn search(experiment: Experiment) -> Self {
        Self {
            num_held_out: Some(experiment.num_held_out()),
            record_correlations: false,
            ..Self::paper(experiment)
        }
    }

    /// The paper's protocol (sections 5.1 to 5.3), with three seeds; with one seed in permuted
    /// MNIST, as in the paper.
    ///
    /// Details that the paper does not give are as in its authors' code. `docs/deviations.md` lists
    /// where paper and code differ.
    pub fn paper(experiment: Experiment) -> Self {
        let split_mnist = Self {
            experiment: Experiment::SplitMnist,
            data_set: Some(DataSet::Mnist),
            scenario: Scenario::Task,
            num_tasks: 5,
            methods: methods("none,si:c=1"),
            fisher_labels: FisherLabels::Exact,
            num_importance_images: 1000,
            preset: Preset::Paper,
            state_precision: StatePrecision::Full,
            num_epochs: 10,
            batch_size: 64,
            learning_rate: 1e-3,
            hidden_sizes: vec![256, 256],
            activation: Activation::Relu,
            optimizer: Optimizer::Adam,
            momentum: 0.9,
            reset_optimizer: OptimizerReset::All,
            record_correlations: false,
            num_seeds: 3,
            first_seed: 0,
            device: AUTO.to_string(),
            matmul_precision: RequiredPrecision::Exact,
            ..Self::default()
        };
        match experiment {
            Experiment::SplitMnist => split_mnist,
            Experiment::PermutedMnist => Self {
                experiment,
                scenario: Scenario::Domain,
                num_tasks: 10,
                // To measure it on all would take a seventh of the time.
                num_train_evaluated: Some(10_000),
                methods: methods("none,si:c=0.1,dropout,joint,scratch"),
                num_epochs: 20,
                batch_size: 256,
                hidden_sizes: vec![2000, 2000],
                reset_optimizer: OptimizerReset::None,
                record_correlations: true,
                num_seeds: 1,
                ..split_mnist
            },
            Experiment::SplitCifar => Self {
                experiment,
                data_set: None,
                num_tasks: 6,
                methods: methods("none,si:c=0.01,si:c=0.1,scratch"),
                num_epochs: 60,
                batch_size: 256,
                hidden_sizes: vec![32, 64, 512],
                ..split_mnist
            },
        }
    }
}
