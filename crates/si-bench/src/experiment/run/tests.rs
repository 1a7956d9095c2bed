use std::sync::Arc;

use burn::tensor::Device;

use crate::data::{ImageParts, LabelledImages};
use crate::experiment::{Experiment, ExperimentConfig, Optimizer, RunRecord, Scenario};
use crate::task::TaskSequence;

use super::{Progress, run_on};

/// Four classes of 16 images each, of one bright pixel of four.
fn tasks() -> TaskSequence {
    let images = LabelledImages::new(ImageParts {
        pixels: (0..64)
            .flat_map(|image| (0..4).map(move |pixel| if image % 4 == pixel { 255 } else { image }))
            .collect(),
        labels: (0..64).map(|image| image % 4).collect(),
        shape: [1, 2, 2],
        num_classes: 4,
    });
    let images = Arc::new(images.expect("the parts fit"));
    let classes = [vec![0, 1], vec![2, 3]];
    TaskSequence::split(&images, &images, &classes, Scenario::Task).expect("four classes")
}

fn config() -> ExperimentConfig {
    ExperimentConfig {
        num_epochs: 3,
        batch_size: 5,
        learning_rate: 0.02,
        hidden_sizes: vec![8],
        ..ExperimentConfig::paper(Experiment::SplitMnist)
    }
}

fn train(config: &ExperimentConfig, condition: usize, seed: u64) -> (RunRecord, Vec<Progress>) {
    let mut progress = Vec::new();
    let condition = &config.conditions()[condition];
    let device = Device::flex();
    let observe = &mut |event| progress.push(event);
    let record = run_on(&tasks(), config, condition, seed, &device, observe);
    let record = record.expect("the settings are valid");
    // The only thing that two equal runs differ in.
    (
        RunRecord {
            elapsed_seconds: 0.0,
            ..record
        },
        progress,
    )
}

#[test]
fn seed_decides_everything() {
    let (record, _) = train(&config(), 1, 3);
    assert_eq!(train(&config(), 1, 3).0, record);
    assert_ne!(train(&config(), 1, 4).0.epochs, record.epochs);
}

#[test]
fn record_holds_every_task_and_epoch() {
    let (record, _) = train(&config(), 1, 0);
    assert_eq!(record.accuracy.num_tasks(), 2);
    assert_eq!(record.train_accuracy.rows(), record.accuracy.rows());
    assert_eq!(record.accuracy.rows()[0][0], 1.0);
    assert_eq!(record.initial_accuracy, [0.5, 0.5]);
    let epochs: Vec<_> = record.epochs.iter().map(|it| (it.task, it.epoch)).collect();
    assert_eq!(epochs, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
    assert!(!record.inert);
}

#[test]
fn penalty_is_at_work_from_the_second_task_on_and_only_with_a_strength() {
    for (condition, strength) in [(0, 0.0), (1, 1.0)] {
        let (record, _) = train(&config(), condition, 0);
        assert_eq!(record.condition.strength, strength);
        for epoch in &record.epochs {
            let penalty = epoch.penalty.expect("it is finite");
            assert_eq!(penalty > 0.0, strength > 0.0 && epoch.task > 0);
            assert_eq!(
                epoch.penalty_share.is_some_and(|share| share > 0.0),
                penalty > 0.0
            );
        }
    }
}

#[test]
fn progress_ends_with_the_last_step() {
    let (_, progress) = train(&config(), 0, 0);
    // 32 images of each task make six batches of five and one of two.
    let last = progress.last().expect("progress was made");
    assert_eq!((last.steps_done, last.steps_total), (2 * 3 * 7, 2 * 3 * 7));
    assert!(progress.is_sorted_by_key(|event| event.steps_done));
}

#[test]
fn training_that_diverges_is_recorded_and_read_back() {
    let config = ExperimentConfig {
        optimizer: Optimizer::Sgd,
        learning_rate: 1e30,
        ..config()
    };
    let (record, _) = train(&config, 1, 0);
    let line = serde_json::to_string(&record).expect("a record is JSON");
    let read: RunRecord = serde_json::from_str(&line).expect("it is read back");
    assert_eq!(read, record);
    assert!(record.epochs.iter().any(|epoch| epoch.task_loss.is_none()));
}
