use std::path::Path;
use std::sync::Arc;

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::prelude::*;
use burn_train::logger::InMemoryMetricLogger;
use burn_train::{Learner, LearnerModel, SupervisedTraining, TrainStep};
use si_core::{ContinualLearner, SynapticIntelligenceConfig};
use tempfile::TempDir;

use crate::common::mlp::Mlp;
use crate::train::model::{CLASSES, INPUTS, mlp};
use crate::train::recorder::Recorder;

pub(crate) const LEARNING_RATE: f64 = 0.05;
pub(crate) const NUM_EPOCHS: usize = 2;
/// Few, so that a processor that emulates a GPU can handle them.
const NUM_ITEMS: usize = 14;
pub(crate) const BATCH_SIZE: usize = 4;
/// The number of minibatches in an epoch. The last has two items.
pub(crate) const NUM_MINIBATCHES: usize = 4;

pub(crate) type Item = ([f32; INPUTS], i32);
pub(crate) type Loader = Arc<dyn DataLoader<Batch>>;

/// Inputs `[batch, INPUTS]` and labels `[batch]`.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) inputs: Tensor<2>,
    pub(crate) labels: Tensor<1, Int>,
}

#[derive(Clone, Debug)]
struct Batching;

impl Batcher<Item, Batch> for Batching {
    fn batch(&self, items: Vec<Item>, device: &Device) -> Batch {
        let labels: Vec<i32> = items.iter().map(|(_, label)| *label).collect();
        let inputs: Vec<f32> = items.iter().flat_map(|(inputs, _)| *inputs).collect();
        Batch {
            inputs: Tensor::from_data(TensorData::new(inputs, [items.len(), INPUTS]), device),
            labels: Tensor::from_data(labels.as_slice(), device),
        }
    }
}

pub(crate) fn device() -> Device {
    crate::common::device_with(burn::tensor::DType::F32).autodiff()
}

/// The items of a task. All tasks share the inputs but have different labels, so that tasks contradict each other.
pub(crate) fn items(task: usize) -> Vec<Item> {
    let item = |index: usize| {
        let phase = index as f32;
        let inputs = [phase.sin(), (1.7 * phase).cos(), (0.3 * phase).sin()];
        (inputs, ((index * (task + 1) + task) % CLASSES) as i32)
    };
    (0..NUM_ITEMS).map(item).collect()
}

/// Minibatches in the order of the items.
pub(crate) fn loader(items: Vec<Item>) -> Loader {
    loader_on(&device(), items)
}

/// The same, with the minibatches on `device`.
pub(crate) fn loader_on(device: &Device, items: Vec<Item>) -> Loader {
    DataLoaderBuilder::new(Batching)
        .batch_size(BATCH_SIZE)
        .set_device(device.clone())
        .build(InMemDataset::new(items))
}

pub(crate) fn config() -> SynapticIntelligenceConfig {
    SynapticIntelligenceConfig::new()
        .with_strength(0.5)
        .with_damping(0.01)
}

pub(crate) fn wrapped<M: Module>(module: M) -> ContinualLearner<M> {
    ContinualLearner::new(module, &config()).expect("the config is valid")
}

pub(crate) fn learner() -> ContinualLearner<Mlp> {
    wrapped(mlp(0, &device()))
}

pub(crate) fn optimizer() -> ModuleOptimizer {
    AdamConfig::new().init()
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder can be made")
}

/// A training on a task. It writes nothing outside its folder and prints nothing.
pub(crate) fn training<M>(folder: &Path, task: usize) -> SupervisedTraining<M>
where
    M: LearnerModel + TrainStep<Input = Batch> + burn_train::InferenceStep<Input = Batch>,
{
    training_on(&device(), folder, task)
}

/// The same, with the minibatches on `device`.
pub(crate) fn training_on<M>(device: &Device, folder: &Path, task: usize) -> SupervisedTraining<M>
where
    M: LearnerModel + TrainStep<Input = Batch> + burn_train::InferenceStep<Input = Batch>,
{
    let loader = || loader_on(device, items(task));
    training_with(folder, loader(), loader())
}

/// The same, with the data of two loaders.
pub(crate) fn training_with<M>(folder: &Path, train: Loader, valid: Loader) -> SupervisedTraining<M>
where
    M: LearnerModel + TrainStep<Input = Batch> + burn_train::InferenceStep<Input = Batch>,
{
    SupervisedTraining::new(folder, train, valid)
        .num_epochs(NUM_EPOCHS)
        .with_metric_logger(InMemoryMetricLogger::new())
        .with_application_logger(None)
        .renderer(Box::new(Recorder::default()))
}

/// Launches a training, which must finish.
pub(crate) fn launch<M: LearnerModel>(training: SupervisedTraining<M>, learner: M) -> M {
    let result = training.launch(Learner::new(learner, optimizer(), LEARNING_RATE));
    assert!(result.error.is_none(), "{:?}", result.error);
    result.model.train()
}

/// The epochs of a task in a loop written by hand. Each of `loaders` gives one minibatch per round, like several
/// devices, and a step is taken on the gradients of `accumulation` rounds.
pub(crate) fn train_by_hand<M>(
    mut learner: ContinualLearner<M>,
    optimizer: &mut ModuleOptimizer,
    loaders: &[Loader],
    accumulation: usize,
    num_epochs: usize,
) -> ContinualLearner<M>
where
    M: Module + TrainStep<Input = Batch>,
{
    for _ in 0..num_epochs {
        let mut accumulator = GradientsAccumulator::new();
        let mut rounds: Vec<_> = loaders.iter().map(|loader| loader.iter()).collect();
        let mut num_rounds = 0;
        loop {
            let batches: Vec<Batch> = rounds
                .iter_mut()
                .filter_map(|batches| batches.next())
                .map(|batch| batch.expect("it is in memory"))
                .collect();
            let is_over = batches.is_empty();
            for batch in batches {
                let grads: GradientsParams = TrainStep::step(&*learner, batch).grads;
                accumulator.accumulate(&*learner, grads);
            }
            num_rounds += usize::from(!is_over);
            if num_rounds == accumulation || (is_over && num_rounds > 0) {
                learner = learner.optimize(optimizer, LEARNING_RATE, accumulator.grads());
                num_rounds = 0;
            }
            if is_over {
                break;
            }
        }
    }
    learner
}
