mod files;
mod folders;
mod mutation;
mod resume;

use std::fs;
use std::path::Path;

use burn::module::Module;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, ModuleOptimizer};
use serde::{Deserialize, Serialize};

use super::*;
use crate::test_device::Parts;
use crate::test_line::{Line, device};
use crate::{
    ContinualLearner, ContinualOptimizer, SynapticAdamConfig, SynapticIntelligenceConfig,
    SynapticOptimizer, SynapticSgdConfig,
};

const LEARNING_RATE: f64 = 0.05;

fn learner() -> ContinualLearner<Line> {
    let config = SynapticIntelligenceConfig::new().with_damping(0.01);
    ContinualLearner::new(Line::new(), &config).expect("the config is valid")
}

fn adam() -> ModuleOptimizer {
    AdamConfig::new().init()
}

fn synaptic_adam() -> SynapticOptimizer {
    SynapticAdamConfig::new().init()
}

fn synaptic_sgd() -> SynapticOptimizer {
    let momentum = MomentumConfig::new().with_momentum(0.9);
    SynapticSgdConfig::new()
        .with_momentum(Some(momentum))
        .init()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Progress {
    step: usize,
    losses: Vec<f64>,
}

/// Training on tasks of five steps each, with its progress.
#[derive(Clone)]
struct Training<O> {
    learner: ContinualLearner<Line>,
    optimizer: O,
    progress: Progress,
}

impl<O: ContinualOptimizer> Training<O> {
    fn new(optimizer: O) -> Self {
        Self {
            learner: learner(),
            optimizer,
            progress: Progress {
                step: 0,
                losses: Vec::new(),
            },
        }
    }

    fn step(mut self) -> Self {
        let step = self.progress.step;
        let loss;
        (self.learner, loss) = self
            .learner
            .step(&mut self.optimizer, LEARNING_RATE, |line| line.loss(step));
        self.progress.losses.push(loss.into_scalar());
        self.progress.step += 1;
        if self.progress.step.is_multiple_of(5) {
            self.learner.end_task();
        }
        self
    }

    fn steps(self, count: usize) -> Self {
        (0..count).fold(self, |training, _| training.step())
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::new(&self.learner, &self.optimizer, &self.progress).expect("it can be made")
    }

    /// The training as a new process restores it from a checkpoint.
    fn restored(checkpoint: &Checkpoint, optimizer: O) -> Result<Self, CheckpointError> {
        let progress = checkpoint.progress()?;
        let (learner, optimizer) = checkpoint.restore(learner(), optimizer)?;
        Ok(Self {
            learner,
            optimizer,
            progress,
        })
    }

    /// The whole state.
    fn parts(&self) -> Parts {
        let mut parts = vec![
            ("losses".to_string(), self.progress.losses.clone()),
            ("step".to_string(), vec![self.progress.step as f64]),
        ];
        let record = self.learner.clone().into_record().into_bytes();
        let optimizer = self.optimizer.to_record().into_bytes();
        for bytes in [record, optimizer] {
            let pack = crate::pack::Pack::read(bytes.expect("a record")).expect("it is read");
            for name in pack.names() {
                let data = pack.tensor(name).expect("it is there");
                parts.push((name.to_string(), data.iter::<f64>().collect()));
            }
        }
        parts
    }
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
