use std::panic;
use std::path::Path;
use std::time::Duration;

use burn::tensor::Device;

use crate::Error;
use crate::experiment::{
    Checkpointing, Condition, Experiment, ExperimentConfig, OptimizerReset, Progress, RunRecord,
    Scenario,
};
use crate::task::TaskSequence;

use super::super::StackedRuns;
use super::{config, permuted, split, train_stack};

/// Goes on from the last checkpoint in `folder`, and breaks off after `interruption` steps.
fn train_in_pieces(
    config: &ExperimentConfig,
    runs: &[(Condition, u64)],
    tasks: &[TaskSequence],
    folder: &Path,
    interruption: usize,
) -> Option<Result<Vec<RunRecord>, Error>> {
    let stack = StackedRuns {
        config,
        runs,
        checkpoints: Some(Checkpointing {
            folder: folder.to_path_buf(),
            period: Duration::ZERO,
        }),
    };
    let broken_off = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        stack.train_on(tasks, &Device::flex(), &mut |event: Progress| {
            if event.steps_done >= interruption {
                panic::resume_unwind(Box::new("interruption"));
            }
        })
    }));
    broken_off.ok()
}

fn untimed(records: Vec<RunRecord>) -> Vec<RunRecord> {
    let untimed = |record| RunRecord {
        elapsed_seconds: 0.0,
        ..record
    };
    records.into_iter().map(untimed).collect()
}

fn assert_resumes_with_the_same_bits(config: &ExperimentConfig, tasks: &[TaskSequence]) {
    let runs = config.runs();
    let (expected, _) = train_stack(config, &runs, tasks);
    let folder = tempfile::tempdir().expect("temporary folder");
    // Within a task, after its last step, at the next one's first, which goes on from the end of a task, and within it.
    for interruption in [10, 21, 22, 30, usize::MAX] {
        let records = train_in_pieces(config, &runs, tasks, folder.path(), interruption);
        assert_eq!(records.is_some(), interruption == usize::MAX);
        if let Some(records) = records {
            let records = records.expect("the checkpoint fits");
            assert_eq!(untimed(records), untimed(expected.clone()));
        }
    }
}

#[test]
fn a_stack_that_is_resumed_ends_with_the_same_bits() {
    for reset_optimizer in [
        OptimizerReset::None,
        OptimizerReset::Moments,
        OptimizerReset::All,
    ] {
        let config = ExperimentConfig {
            reset_optimizer,
            record_correlations: true,
            ..config(Experiment::SplitMnist, "none,si:c=0.1,si:c=1")
        };
        assert_resumes_with_the_same_bits(&config, &split(Scenario::Task, 6));
    }
}

#[test]
fn a_stack_of_new_networks_that_is_resumed_ends_with_the_same_bits() {
    let config = config(Experiment::SplitMnist, "scratch");
    assert_resumes_with_the_same_bits(&config, &split(Scenario::Domain, 2));
}

#[test]
fn a_stack_with_its_own_orders_of_pixels_that_is_resumed_ends_with_the_same_bits() {
    let config = ExperimentConfig {
        batch_size: 10,
        ..config(Experiment::PermutedMnist, "none,si")
    };
    let tasks = permuted(Scenario::Domain, &config.runs());
    assert_resumes_with_the_same_bits(&config, &tasks);
}

#[test]
fn a_checkpoint_of_other_runs_is_refused() {
    let config = config(Experiment::SplitMnist, "none,si:c=0.1,si:c=1");
    let runs = config.runs();
    let tasks = split(Scenario::Task, 6);
    let folder = tempfile::tempdir().expect("temporary folder");
    assert!(train_in_pieces(&config, &runs, &tasks, folder.path(), 10).is_none());
    let resume = |config: &ExperimentConfig, runs: &[(Condition, u64)]| {
        let tasks = &tasks[..runs.len()];
        let records = train_in_pieces(config, runs, tasks, folder.path(), usize::MAX);
        let error = records.expect("it is not interrupted");
        error.expect_err("it belongs to other runs").to_string()
    };
    let refused = |reason: &str| {
        format!(
            "cannot resume from {}: {reason}; remove it to start this run over",
            folder.path().display()
        )
    };
    assert_eq!(
        resume(&config, &runs[..5]),
        refused("it belongs to 6 run(s) that are trained at once, not to 5")
    );
    let mut swapped = runs.clone();
    swapped.swap(1, 2);
    let other_settings = refused("it belongs to a run with other settings");
    assert_eq!(resume(&config, &swapped), other_settings);
    let other = ExperimentConfig {
        batch_size: 6,
        ..config.clone()
    };
    assert_eq!(resume(&other, &runs), other_settings);
}
