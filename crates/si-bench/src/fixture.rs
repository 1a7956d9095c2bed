//! Made-up run records that look like real ones, for tests of tables and figures.

use std::{fs, path::Path};

use crate::{
    data::encode_idx,
    experiment::{Condition, EpochRecord, Experiment, ExperimentConfig, RunRecord, Versions},
    methods::methods,
    metrics::AccuracyMatrix,
};

/// The paper's protocol with these strengths of Synaptic Intelligence and that many seeds. At 0 there is no method.
pub(crate) fn config(strengths: &[f64], num_seeds: usize) -> ExperimentConfig {
    let method = |c: &f64| {
        if *c > 0.0 {
            format!("si:c={c}")
        } else {
            "none".to_string()
        }
    };
    let list: Vec<String> = strengths.iter().map(method).collect();
    ExperimentConfig {
        methods: methods(&list.join(",")),
        num_seeds,
        device: "flex".to_string(),
        ..ExperimentConfig::paper(Experiment::SplitMnist)
    }
}

/// The condition of one method in the paper's split MNIST.
pub(crate) fn condition(method: &str) -> Condition {
    let config = ExperimentConfig {
        methods: methods(method),
        ..ExperimentConfig::paper(Experiment::SplitMnist)
    };
    config.conditions().remove(0)
}

/// IDX files of 2 × 3 pixels, with two training images and a test image of each class.
pub(crate) fn write_images(folder: &Path, num_classes: u8) {
    for (part, num_per_class) in [("train", 2), ("t10k", 1)] {
        let labels: Vec<u8> = (0..num_per_class).flat_map(|_| 0..num_classes).collect();
        let pixels: Vec<u8> = labels.iter().flat_map(|label| [40 * label; 6]).collect();
        let images = encode_idx(&[labels.len(), 2, 3], &pixels);
        let labels = encode_idx(&[labels.len()], &labels);
        for (kind, file) in [("images-idx3", images), ("labels-idx1", labels)] {
            fs::write(folder.join(format!("{part}-{kind}-ubyte")), file)
                .expect("a writable folder");
        }
    }
}

/// One record for every condition and seed of `config`, over `num_tasks` tasks.
///
/// The accuracy of a task is at chance before the task, and falls with every task after it. The smaller the strength,
/// the more it falls.
pub(crate) fn records(config: &ExperimentConfig, num_tasks: usize) -> Vec<RunRecord> {
    let mut records = Vec::new();
    for condition in config.conditions() {
        let strength = condition.strength().unwrap_or(0.0);
        let loss_per_task = 0.12 / (1.0 + 15.0 * strength);
        for seed in config.seeds() {
            let matrix = |best: f64| {
                let accuracy = |after: usize, task: usize| match after.checked_sub(task) {
                    None => 0.5 + 0.01 * noise(seed, after, task),
                    Some(0) => best + 0.002 * noise(seed, after, task),
                    Some(age) => {
                        let loss = loss_per_task * (age as f64).sqrt() * (2.0 - 0.3 * task as f64);
                        (best - loss * (1.0 + 0.3 * noise(seed, after, task))).clamp(0.05, 1.0)
                    }
                };
                let row = |after| (0..num_tasks).map(|task| accuracy(after, task)).collect();
                AccuracyMatrix::new((0..num_tasks).map(row).collect()).expect("in range")
            };
            records.push(RunRecord {
                accuracy: matrix(0.993),
                train_accuracy: matrix(0.998),
                initial_accuracy: vec![0.5; num_tasks],
                epochs: epochs(num_tasks, strength),
                condition: condition.clone(),
                seed,
                correlations: Vec::new(),
                chosen_strengths: Vec::new(),
                inert: false,
                elapsed_seconds: 41.25 + seed as f64,
                device: config.device.clone(),
                matmul_error: None,
                num_threads: None,
                processor: None,
                cost: None,
                versions: Versions {
                    si: "0.1.0".to_string(),
                    burn: "0.22.1".to_string(),
                },
            });
        }
    }
    records
}

fn epochs(num_tasks: usize, strength: f64) -> Vec<EpochRecord> {
    let share = |task: usize| {
        if task > 0 && strength > 0.0 {
            0.25
        } else {
            0.0
        }
    };
    (0..num_tasks)
        .map(|task| EpochRecord {
            task,
            epoch: 0,
            task_loss: Some(0.03),
            penalty: Some(0.03 * share(task) / (1.0 - share(task))),
            penalty_share: Some(share(task)),
            accuracy: Vec::new(),
        })
        .collect()
}

/// A number in `[-1, 1]` that looks random but is always the same for the same arguments.
fn noise(seed: u64, after: usize, task: usize) -> f64 {
    ((seed as f64 * 12.9898 + after as f64 * 78.233 + task as f64 * 37.719).sin() * 43758.545).sin()
}
