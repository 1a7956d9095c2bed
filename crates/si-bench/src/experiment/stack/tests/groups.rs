use burn::tensor::Device;

use crate::experiment::{Condition, Experiment, ExperimentConfig, Scenario, StrengthChoice};
use crate::methods::methods;

use super::super::StackedRuns;
use super::{config, split};

/// The names and seeds of each group.
fn groups(config: &ExperimentConfig, most: usize) -> Vec<Vec<String>> {
    let name = |(condition, seed): &(Condition, u64)| format!("{} {seed}", condition.name);
    let groups = config.in_stacks(config.runs(), most).into_iter();
    groups
        .map(|group| group.iter().map(name).collect())
        .collect()
}

#[test]
fn runs_with_one_regime_and_damping_are_a_group_in_their_order() {
    let config = config(
        Experiment::SplitMnist,
        "none,si:c=0.1,scratch,si:c=1:xi=0.5,si:c=1",
    );
    assert_eq!(
        groups(&config, 100),
        [
            vec![
                "none 3",
                "si c=0.1 ξ=0.001 3",
                "si c=1 ξ=0.001 3",
                "none 4",
                "si c=0.1 ξ=0.001 4",
                "si c=1 ξ=0.001 4"
            ],
            vec!["scratch 3", "scratch 4"],
            vec!["si c=1 ξ=0.5 3", "si c=1 ξ=0.5 4"],
        ]
    );
}

#[test]
fn a_group_has_at_most_as_many_runs_as_asked_for() {
    let config = ExperimentConfig {
        num_seeds: 5,
        ..config(Experiment::PermutedMnist, "si")
    };
    for (most, expected) in [
        (0, vec![1; 5]),
        (1, vec![1; 5]),
        (2, vec![2, 2, 1]),
        (4, vec![4, 1]),
        (5, vec![5]),
        (usize::MAX, vec![5]),
    ] {
        let sizes: Vec<usize> = groups(&config, most).iter().map(Vec::len).collect();
        assert_eq!(sizes, expected, "{most}");
    }
    assert!(config.in_stacks(Vec::new(), 5).is_empty());
}

#[test]
fn a_run_that_cannot_be_in_a_stack_is_a_group_by_itself() {
    for method in [
        "joint",
        "ewc:lambda=10",
        "si+dropout",
        "dropout",
        "si:normalization=mean:c=100",
        "si+freezing",
        "lwf",
        "er:size=10",
        "si+lwta",
        "maxout",
        "progressive",
    ] {
        let config = config(Experiment::SplitMnist, &format!("none,{method}"));
        let sizes: Vec<usize> = groups(&config, 100).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 1, 1], "{method}");
    }
    let cifar = ExperimentConfig {
        methods: methods("none,si"),
        num_seeds: 2,
        ..ExperimentConfig::paper(Experiment::SplitCifar)
    };
    assert_eq!(groups(&cifar, 100).len(), 4);
}

#[test]
fn a_run_whose_strength_is_chosen_is_a_group_by_itself() {
    let config = ExperimentConfig {
        choose_strength: StrengthChoice::Chf,
        ..config(Experiment::SplitMnist, "none,si")
    };
    assert_eq!(
        groups(&config, 100),
        [vec!["none 3", "none 4"], vec!["si 3"], vec!["si 4"]]
    );
}

#[test]
fn a_run_that_is_tested_after_every_epoch_is_a_group_by_itself() {
    let config = ExperimentConfig {
        evaluate_each_epoch: true,
        num_seeds: 1,
        ..config(Experiment::SplitMnist, "none,si")
    };
    assert_eq!(groups(&config, 100), [vec!["none 3"], vec!["si 3"]]);
}

#[test]
fn runs_of_different_groups_are_refused() {
    for list in [
        "none,scratch",
        "si,ewc:lambda=10",
        "joint,none",
        "si,si:xi=0.5",
    ] {
        let config = config(Experiment::SplitMnist, list);
        let runs = config.runs();
        let stack = StackedRuns {
            config: &config,
            runs: &runs,
            checkpoints: None,
        };
        let tasks = split(Scenario::Task, runs.len());
        let error = stack.train_on(&tasks, &Device::flex(), &mut |_| {});
        let error = error.expect_err("they are no stack").to_string();
        let names: Vec<&str> = runs.iter().map(|(it, _)| &*it.name).collect();
        assert_eq!(
            error,
            format!(
                "these runs cannot be trained at once, only in the groups of `in_stacks`: {}",
                names.join(", ")
            )
        );
    }
}
