mod groups;
mod resume;

use burn::tensor::Device;

use crate::experiment::testing::{permuted_tasks, several_tasks};
use crate::experiment::{
    Condition, Experiment, ExperimentConfig, Optimizer, OptimizerReset, Progress, Run, RunRecord,
    Scenario,
};
use crate::fixture::write_images;
use crate::methods::methods;
use crate::task::TaskSequence;

use super::StackedRuns;

/// Of losses and correlations, relative to those of a run alone: rounding in f32 adds up over the steps.
const TOLERANCE: f64 = 1e-5;

const SEEDS: [u64; 2] = [3, 4];

fn config(experiment: Experiment, list: &str) -> ExperimentConfig {
    ExperimentConfig {
        methods: methods(list),
        num_epochs: 3,
        batch_size: 5,
        learning_rate: 0.02,
        hidden_sizes: vec![8],
        num_seeds: SEEDS.len(),
        first_seed: SEEDS[0],
        device: "flex".to_string(),
        ..ExperimentConfig::paper(experiment)
    }
}

/// Split tasks, which are the same for every seed.
fn split(scenario: Scenario, count: usize) -> Vec<TaskSequence> {
    vec![several_tasks(2, scenario); count]
}

/// The tasks of each run, where those of a seed are permuted.
fn permuted(scenario: Scenario, runs: &[(Condition, u64)]) -> Vec<TaskSequence> {
    let seeds: Vec<u64> = runs.iter().map(|(_, seed)| *seed).collect();
    permuted_tasks(&seeds, scenario)
}

fn train_stack(
    config: &ExperimentConfig,
    runs: &[(Condition, u64)],
    tasks: &[TaskSequence],
) -> (Vec<RunRecord>, Vec<Progress>) {
    let mut progress = Vec::new();
    let stack = StackedRuns {
        config,
        runs,
        checkpoints: None,
    };
    let records = stack.train_on(tasks, &Device::flex(), &mut |event| progress.push(event));
    (records.expect("they can be trained at once"), progress)
}

fn train_alone(
    config: &ExperimentConfig,
    (condition, seed): &(Condition, u64),
    tasks: &TaskSequence,
) -> (RunRecord, Vec<Progress>) {
    let mut progress = Vec::new();
    let run = Run {
        config,
        condition,
        seed: *seed,
        checkpoints: None,
    };
    let record = run.train_on(tasks, &Device::flex(), &mut |event| progress.push(event));
    (record.expect("the settings are valid"), progress)
}

/// Trains all runs of `config` at once, and each alone, and compares their records.
fn assert_stack_equals_runs(config: &ExperimentConfig, tasks: &[TaskSequence]) {
    let runs = config.runs();
    let (stacked, _) = train_stack(config, &runs, tasks);
    assert_eq!(stacked.len(), runs.len());
    for ((run, tasks), stacked) in runs.iter().zip(tasks).zip(stacked) {
        let (alone, _) = train_alone(config, run, tasks);
        assert_same(&stacked, &alone);
    }
}

fn assert_same(stacked: &RunRecord, alone: &RunRecord) {
    let name = format!("{} {}", alone.condition.name, alone.seed);
    let close = |found: Option<f64>, expected: Option<f64>| match (found, expected) {
        (Some(found), Some(expected)) => {
            let difference = (found - expected).abs();
            assert!(
                difference <= TOLERANCE * expected.abs(),
                "{name}: {found} is not {expected}"
            );
        }
        (found, expected) => assert_eq!(found, expected, "{name}"),
    };
    let same_numbers = RunRecord {
        epochs: stacked.epochs.clone(),
        correlations: stacked.correlations.clone(),
        elapsed_seconds: stacked.elapsed_seconds,
        ..alone.clone()
    };
    assert_eq!(*stacked, same_numbers);
    assert_eq!(stacked.epochs.len(), alone.epochs.len());
    for (found, expected) in stacked.epochs.iter().zip(&alone.epochs) {
        assert_eq!(
            (found.task, found.epoch),
            (expected.task, expected.epoch),
            "{name}"
        );
        close(found.task_loss, expected.task_loss);
        assert_eq!((found.penalty, found.penalty_share), (None, None));
    }
    assert_eq!(stacked.correlations.len(), alone.correlations.len());
    for (found, expected) in stacked.correlations.iter().zip(&alone.correlations) {
        assert_eq!(found.layer, expected.layer);
        let pairs = found.matrix.iter().flatten();
        let pairs = pairs.zip(expected.matrix.iter().flatten());
        pairs.for_each(|(found, expected)| close(*found, *expected));
    }
}

#[test]
fn a_stack_learns_split_tasks_as_its_runs_do_alone() {
    for scenario in [Scenario::Task, Scenario::Domain, Scenario::Class] {
        let config = ExperimentConfig {
            record_correlations: true,
            hidden_sizes: vec![8, 6],
            ..config(Experiment::SplitMnist, "none,si:c=0.1,si:c=1")
        };
        assert_stack_equals_runs(&config, &split(scenario, 6));
    }
}

#[test]
fn a_stack_learns_permuted_tasks_as_its_runs_do_alone() {
    for scenario in [Scenario::Task, Scenario::Domain] {
        let config = ExperimentConfig {
            record_correlations: true,
            ..config(Experiment::PermutedMnist, "none,si:c=0.1,si:c=1")
        };
        assert_stack_equals_runs(&config, &permuted(scenario, &config.runs()));
    }
}

#[test]
fn a_stack_of_new_networks_for_each_task_learns_as_its_runs_do_alone() {
    let config = config(Experiment::SplitMnist, "scratch");
    assert_stack_equals_runs(&config, &split(Scenario::Task, 2));
}

#[test]
fn an_optimizer_of_a_stack_is_reset_as_that_of_a_run() {
    for (optimizer, reset_optimizer) in [
        (Optimizer::Adam, OptimizerReset::None),
        (Optimizer::Adam, OptimizerReset::Moments),
        (Optimizer::Adam, OptimizerReset::All),
        (Optimizer::Sgd, OptimizerReset::None),
        (Optimizer::AdamW, OptimizerReset::None),
        (Optimizer::RmsProp, OptimizerReset::All),
    ] {
        let config = ExperimentConfig {
            optimizer,
            reset_optimizer,
            ..config(Experiment::SplitMnist, "none,si:c=1")
        };
        assert_stack_equals_runs(&config, &split(Scenario::Task, 4));
    }
}

#[test]
fn a_stack_reports_its_progress_as_a_run_does() {
    let config = config(Experiment::SplitMnist, "none,si");
    let tasks = split(Scenario::Task, 4);
    let runs = config.runs();
    let (_, progress) = train_stack(&config, &runs, &tasks);
    let (_, alone) = train_alone(&config, &runs[0], &tasks[0]);
    assert_eq!(progress, alone);
}

#[test]
fn a_replica_that_diverges_leaves_the_others_as_they_are() {
    let config = ExperimentConfig {
        optimizer: Optimizer::Sgd,
        ..config(Experiment::SplitMnist, "none,si:c=1,si:c=1e30")
    };
    let runs: Vec<_> = config.runs().into_iter().take(3).collect();
    let tasks = split(Scenario::Task, 3);
    let (stacked, _) = train_stack(&config, &runs, &tasks);
    let alone = [0, 1, 2].map(|run| train_alone(&config, &runs[run], &tasks[run]).0);
    assert_same(&stacked[0], &alone[0]);
    assert_same(&stacked[1], &alone[1]);
    for records in [&stacked[..], &alone] {
        let are_inert: Vec<bool> = records.iter().map(|it| it.inert).collect();
        assert_eq!(are_inert, [false, false, true]);
        assert_eq!(records[2].epochs.last().and_then(|it| it.task_loss), None);
    }
}

#[test]
fn a_stack_finds_its_own_images_and_orders_of_pixels() {
    let folder = tempfile::tempdir().expect("temporary folder");
    write_images(folder.path(), 4);
    for experiment in [Experiment::SplitMnist, Experiment::PermutedMnist] {
        let config = ExperimentConfig {
            num_tasks: 2,
            ..config(experiment, "none,si")
        };
        let config = config
            .with_images(folder.path())
            .expect("the folder has images");
        let runs = config.runs();
        let stack = StackedRuns {
            config: &config,
            runs: &runs,
            checkpoints: None,
        };
        let stacked = stack.train(&mut |_| {}).expect("the settings are valid");
        for ((condition, seed), stacked) in runs.iter().zip(&stacked) {
            let run = Run {
                config: &config,
                condition,
                seed: *seed,
                checkpoints: None,
            };
            let alone = run.train(&mut |_| {}).expect("the settings are valid");
            // So few images leave a run alone without importance, which a stack does not see if others have some.
            let inert = stacked.inert;
            assert_same(stacked, &RunRecord { inert, ..alone });
        }
    }
}

#[test]
fn one_run_is_no_stack() {
    let folder = tempfile::tempdir().expect("temporary folder");
    write_images(folder.path(), 4);
    let config = config(Experiment::SplitMnist, "joint,si")
        .with_images(folder.path())
        .expect("the folder has images");
    let runs = config.runs();
    for run in &runs[..2] {
        let stack = StackedRuns {
            config: &config,
            runs: std::slice::from_ref(run),
            checkpoints: None,
        };
        let records = stack.train(&mut |_| {}).expect("the settings are valid");
        let alone = Run {
            config: &config,
            condition: &run.0,
            seed: run.1,
            checkpoints: None,
        };
        let alone = alone.train(&mut |_| {}).expect("the settings are valid");
        assert_eq!(records.len(), 1);
        assert!(records[0].is_repetition_of(&alone));
    }
}
