//! Learns the tasks by one method.

use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::transformer::TransformerEncoder;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, activation::log_softmax};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use si_core::importance::{FisherLabels, fisher};
use si_core::tasks::{Epoch, LearntTasks, TaskEnd, TaskTraining, learn_tasks};
use si_core::{
    ContinualLearner, QuadraticPenalty, QuadraticPenaltyConfig, SynapticAdamConfig,
    SynapticIntelligenceConfig, SynapticOptimizer,
};

use crate::batch::{Batch, Example};
use crate::classifier::Classifier;
use crate::method::{Keeper, Method};
use crate::tasks::Task;

pub(crate) const NUM_EPOCHS: usize = 1;
pub(crate) const BATCH_SIZE: usize = 8;
/// Examples of each task whose Fisher information is measured.
pub(crate) const NUM_FISHER: usize = 128;
/// Examples of each task that replay keeps.
pub(crate) const NUM_KEPT: usize = 32;
/// Kept examples of one earlier task that each step of replay adds.
pub(crate) const NUM_REPLAYED: usize = 4;

/// Learns the tasks in order.
pub(crate) fn learn(
    layers: &TransformerEncoder,
    tasks: &[Task],
    method: &Method,
    strength: f64,
    seed: u64,
) -> anyhow::Result<LearntTasks<Classifier>> {
    let device = Device::flex().autodiff();
    device.seed(seed);
    let layers = method.trained.prepare(layers.clone());
    let classifier = Classifier::new(layers, tasks, &device);
    let of = |keeper| {
        if method.keeper == keeper {
            strength
        } else {
            0.0
        }
    };
    let config = SynapticIntelligenceConfig::new().with_strength(of(Keeper::SynapticIntelligence));
    let penalty = QuadraticPenaltyConfig::online_ewc(of(Keeper::OnlineEwc), 1.0);
    let mut training = Training {
        tasks,
        method,
        device,
        penalty: penalty.init()?,
        kept: Vec::new(),
        rng: ChaCha8Rng::seed_from_u64(seed),
    };
    let learner = ContinualLearner::new(classifier, &config)?;
    learn_tasks(learner, &mut training, Vec::new())
}

struct Training<'a> {
    tasks: &'a [Task],
    method: &'a Method,
    device: Device,
    penalty: QuadraticPenalty,
    /// What replay keeps of each earlier task.
    kept: Vec<Vec<Example>>,
    rng: ChaCha8Rng,
}

impl Training<'_> {
    fn loss(&self, model: &Classifier, batch: &Batch, task: usize) -> Tensor<1> {
        let cross_entropy = CrossEntropyLossConfig::new().init(&self.device);
        cross_entropy.forward(model.forward(batch, task), batch.labels.clone())
    }

    /// Some examples of an earlier task, and its index.
    fn recall(&mut self) -> Option<(Batch, usize)> {
        let task = (0..self.kept.len()).collect::<Vec<_>>();
        let task = *task.choose(&mut self.rng)?;
        let examples = self.kept[task].sample(&mut self.rng, NUM_REPLAYED);
        Some((Batch::new(examples, &self.device), task))
    }
}

impl TaskTraining<Classifier> for Training<'_> {
    type Optimizer = SynapticOptimizer;
    type Error = anyhow::Error;

    fn num_tasks(&self) -> usize {
        self.tasks.len()
    }

    fn num_epochs(&self, _task: usize) -> usize {
        NUM_EPOCHS
    }

    fn optimizer(&mut self, _task: usize) -> SynapticOptimizer {
        SynapticAdamConfig::new().init()
    }

    fn train_epoch(
        &mut self,
        Epoch { task, .. }: Epoch,
        mut learner: ContinualLearner<Classifier>,
        optimizer: &mut SynapticOptimizer,
    ) -> anyhow::Result<ContinualLearner<Classifier>> {
        let mut examples: Vec<&Example> = self.tasks[task].train.iter().collect();
        examples.shuffle(&mut self.rng);
        for examples in examples.chunks(BATCH_SIZE) {
            let batch = Batch::new(examples.iter().copied(), &self.device);
            let mut loss = self.loss(&learner, &batch, task);
            if let Some((batch, task)) = self.recall() {
                loss = loss + self.loss(&learner, &batch, task);
            }
            let grads = GradientsParams::from_grads(loss.backward(), &learner);
            let grads = self.penalty.penalize(&learner, grads);
            learner = learner.optimize(optimizer, self.method.trained.learning_rate(), grads);
        }
        Ok(learner)
    }

    fn evaluate(&mut self, task: usize, model: &Classifier) -> anyhow::Result<f64> {
        Ok(model.accuracy(&self.tasks[task].test, task))
    }

    fn after_task(
        &mut self,
        TaskEnd { task, .. }: TaskEnd<'_>,
        learner: &mut ContinualLearner<Classifier>,
    ) -> anyhow::Result<()> {
        let train = &self.tasks[task].train;
        match self.method.keeper {
            Keeper::Nothing | Keeper::SynapticIntelligence => {}
            Keeper::Replay => {
                let kept = train.sample(&mut self.rng, NUM_KEPT);
                self.kept.push(kept.cloned().collect());
            }
            Keeper::OnlineEwc => {
                let measured: Vec<Example> =
                    train.sample(&mut self.rng, NUM_FISHER).cloned().collect();
                let (device, rng) = (&self.device, &mut self.rng);
                let log_likelihood = |model: &Classifier, example: &Example| {
                    let batch = Batch::new([example], device);
                    log_softmax(model.forward(&batch, task), 1).squeeze_dim(0)
                };
                let mut uniform = || rng.random();
                let labels = FisherLabels::Sampled(&mut uniform);
                let information = fisher(&**learner, measured, log_likelihood, labels)?;
                self.penalty.consolidate(learner, &information);
            }
        }
        Ok(())
    }
}
