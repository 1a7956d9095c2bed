//! Runs that are tested after every epoch.

use crate::experiment::EpochRecord;

use super::super::Training;
use super::*;

/// Without dropout, whose generator is shared by all tests of the process.
fn tested_each_epoch() -> ExperimentConfig {
    ExperimentConfig {
        evaluate_each_epoch: true,
        methods: methods("none,si,ewc:lambda=10,joint,scratch"),
        num_importance_images: 20,
        ..config()
    }
}

/// The record as it would be without the tests.
fn without_tests(record: RunRecord) -> RunRecord {
    let epochs = record.epochs.into_iter().map(|epoch| EpochRecord {
        accuracy: Vec::new(),
        ..epoch
    });
    RunRecord {
        epochs: epochs.collect(),
        ..record
    }
}

#[test]
fn every_epoch_has_the_accuracy_on_each_task_so_far_and_nothing_else_changes() {
    let tested = tested_each_epoch();
    let untested = ExperimentConfig {
        evaluate_each_epoch: false,
        ..tested.clone()
    };
    for (condition, lengths) in [
        (0, &[1, 1, 1, 2, 2, 2][..]),
        (1, &[1, 1, 1, 2, 2, 2]),
        (2, &[1, 1, 1, 2, 2, 2]),
        // Both tasks are one lesson.
        (3, &[2, 2, 2]),
        (4, &[1, 1, 1, 2, 2, 2]),
    ] {
        let (record, _) = train(&tested, condition, 5);
        let (expected, _) = train(&untested, condition, 5);
        assert!(expected.epochs.iter().all(|it| it.accuracy.is_empty()));
        let found: Vec<usize> = record.epochs.iter().map(|it| it.accuracy.len()).collect();
        assert_eq!(found, lengths, "{condition}");
        // After the last epoch of a task, nothing is trained before its own test.
        let last = record.epochs.last().expect("there are epochs");
        assert_eq!(last.accuracy, record.accuracy.last());
        assert_eq!(without_tests(record), expected);
    }
}

#[test]
fn a_run_that_is_tested_each_epoch_and_resumed_ends_with_the_same_bits() {
    let config = tested_each_epoch();
    for condition in 0..config.methods.len() {
        let (expected, _) = train(&config, condition, 5);
        let folder = tempfile::tempdir().expect("temporary folder");
        // Within the first task, at the first step of the second, and within it.
        for interruption in [10, 22, 30, usize::MAX] {
            let record = train_in_pieces(&config, condition, folder.path(), interruption);
            assert_eq!(record.is_some(), interruption == usize::MAX);
            if let Some((record, _)) = record {
                assert_eq!(record, expected, "{condition}");
            }
        }
    }
}

#[test]
fn a_record_is_read_back_to_the_same_with_tests_and_without() {
    let (tested, _) = train(&tested_each_epoch(), 1, 5);
    let json = |record: &RunRecord| serde_json::to_string(record).expect("JSON's types");
    let untested = without_tests(tested.clone());
    for record in [&tested, &untested] {
        let read: RunRecord = serde_json::from_str(&json(record)).expect("it is one");
        assert_eq!(&read, record);
    }
    // A record of an older version has no such key.
    let first = |record: &RunRecord| {
        let value = serde_json::to_value(&record.epochs[0]).expect("JSON's types");
        value.get("accuracy").is_some()
    };
    assert!(first(&tested) && !first(&untested));
}

#[test]
fn a_config_names_the_setting_only_if_it_is_on() {
    let tested = tested_each_epoch();
    let text = tested.to_toml();
    assert!(text.contains("evaluate_each_epoch = true\n"), "{text}");
    let read = ExperimentConfig::from_toml(tested.experiment, &text);
    assert_eq!(read.expect("it is valid"), tested);
    // So a checkpoint of an older version still belongs to the same settings.
    assert!(!config().to_toml().contains("evaluate_each_epoch"));
}

#[test]
fn the_estimate_of_a_run_counts_the_tests_after_every_epoch() {
    let num_evaluated = |config: &ExperimentConfig, condition: usize| {
        let (tasks, condition) = (tasks(), &config.conditions()[condition]);
        let run = run(config, condition, 5, None);
        let training = Training::new(&run, &tasks, Device::flex());
        training.num_evaluated(&training.lessons())
    };
    let tested = tested_each_epoch();
    let untested = ExperimentConfig {
        evaluate_each_epoch: false,
        ..tested.clone()
    };
    // 32 test images of each task, in three epochs of each lesson.
    for (condition, num_tests) in [(0, 3 + 3 * 2), (3, 3 * 2)] {
        let found = num_evaluated(&tested, condition) - num_evaluated(&untested, condition);
        assert_eq!(found, 32 * num_tests);
    }
}
