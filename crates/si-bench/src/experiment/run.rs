use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use si_core::ContinualLearner;

use crate::Error;
use crate::device;
use crate::metrics::AccuracyMatrix;
use crate::model::{Mlp, MlpConfig};
use crate::task::{DeviceImages, TaskSequence, split_mnist};

use super::device_task::DeviceTask;
use super::random::{Purpose, generator, permutation};
use super::{Condition, EpochRecord, ExperimentConfig, RunRecord, Versions};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Task in training, from 0.
    pub task: usize,
    /// Epoch within the task, from 0.
    pub epoch: usize,
    /// Training steps done since the run's start.
    pub steps_done: usize,
    /// Training steps of the whole run.
    pub steps_total: usize,
}

/// Trains and evaluates one condition at one seed, over the whole sequence of tasks.
///
/// `observe` is called at the start of every epoch and about a hundred times besides, and once at
/// the end. Nothing is read from the device within an epoch.
///
/// # Errors
///
/// Those of the device, the data set and the regularizer's settings.
pub fn run(
    config: &ExperimentConfig,
    condition: &Condition,
    seed: u64,
    observe: &mut dyn FnMut(Progress),
) -> Result<RunRecord, Error> {
    let device = device(&config.device)?;
    let tasks = split_mnist(config.data_set, config.data_dir.as_deref(), config.scenario)?;
    run_on(&tasks, config, condition, seed, &device, observe)
}

/// [`run`], on tasks and a device that are already there.
///
/// # Errors
///
/// Those of the regularizer's settings.
pub fn run_on(
    tasks: &TaskSequence,
    config: &ExperimentConfig,
    condition: &Condition,
    seed: u64,
    device: &Device,
    observe: &mut dyn FnMut(Progress),
) -> Result<RunRecord, Error> {
    let start = Instant::now();
    let device = device.clone().inner();
    let model = MlpConfig {
        num_inputs: tasks.image_shape.iter().product(),
        hidden_sizes: config.hidden_sizes.clone(),
        num_outputs: tasks.num_outputs,
        activation: config.activation,
        zero_readout: true,
    };
    let mut rng = generator(seed, Purpose::InitialParameters);
    let model = model.init(&mut rng, &device.clone().autodiff());
    let mut learner = ContinualLearner::new(model, &config.synaptic_intelligence(condition))?;

    let tasks: Vec<DeviceTask> = tasks
        .tasks
        .iter()
        .map(|task| DeviceTask::new(task, tasks.num_outputs, &device))
        .collect();
    let steps_per_epoch = |task: &DeviceTask| task.train.len().div_ceil(config.batch_size);
    let steps_total = tasks.iter().map(steps_per_epoch).sum::<usize>() * config.num_epochs;
    let mut progress = Progress {
        task: 0,
        epoch: 0,
        steps_done: 0,
        steps_total,
    };
    let report_every = (steps_total / 100).max(1);

    let row = |learner: &ContinualLearner<Mlp>, of: fn(&DeviceTask) -> &DeviceImages| {
        let model = learner.valid();
        let accuracy = |task: &DeviceTask| task.accuracy(&model, of(task));
        tasks.iter().map(accuracy).collect::<Vec<f64>>()
    };
    let initial_accuracy = row(&learner, |task| &task.test);
    let mut optimizer = config.optimizer.init(config.momentum);
    let (mut accuracy, mut train_accuracy, mut epochs) = (Vec::new(), Vec::new(), Vec::new());
    let mut inert = false;
    for (index, task) in tasks.iter().enumerate() {
        for epoch in 0..config.num_epochs {
            progress = Progress {
                task: index,
                epoch,
                ..progress
            };
            observe(progress);
            let purpose = Purpose::Order { task: index, epoch };
            let order = permutation(task.train.len(), &mut generator(seed, purpose));
            for batch in task.batches(order, config.batch_size, &device) {
                let loss = |model: &Mlp| task.loss(model, batch);
                (learner, _) = learner.step(&mut optimizer, config.learning_rate, loss);
                progress.steps_done += 1;
                if progress.steps_done.is_multiple_of(report_every) {
                    observe(progress);
                }
            }
            let report = learner.end_epoch();
            let finite = |value: &f64| value.is_finite();
            epochs.push(EpochRecord {
                task: index,
                epoch,
                task_loss: report.task_loss.filter(finite),
                penalty: Some(report.penalty).filter(finite),
                penalty_share: report.penalty_share().filter(finite),
            });
        }
        inert |= learner.end_task().is_some();
        if config.reset_optimizer {
            optimizer = config.optimizer.init(config.momentum);
        }
        accuracy.push(row(&learner, |task| &task.test));
        train_accuracy.push(row(&learner, |task| &task.train));
    }
    observe(progress);
    Ok(RunRecord {
        condition: condition.clone(),
        seed,
        accuracy: AccuracyMatrix::new(accuracy)?,
        train_accuracy: AccuracyMatrix::new(train_accuracy)?,
        initial_accuracy,
        epochs,
        inert,
        elapsed_seconds: start.elapsed().as_secs_f64(),
        device: config.device.clone(),
        versions: Versions::current(),
    })
}

#[cfg(test)]
mod tests;
