use burn::optim::{GradientsAccumulator, ModuleOptimizer};
use burn::tensor::ExecutionError;
use burn_train::{ItemLazy, TrainOutput, TrainStep};
use si_core::ContinualLearner;

use super::{Run, Way, reloaded};
use crate::conformance::model::{Minibatch, Toy};
use crate::conformance::optimizers::Row;
use crate::conformance::setup::{LEARNING_RATE, Setup};
use crate::conformance::state::{Agreement, State};

/// [`ContinualLearner`] with the calls that burn-train's training loop makes. `tests/suite/train/` tests the loop
/// itself.
pub(crate) struct BurnTrain;

/// The output of a step, which shows nothing.
pub(crate) struct Silence;

impl ItemLazy for Silence {
    fn sync(self) -> Result<Self, ExecutionError> {
        Ok(self)
    }
}

impl TrainStep for Toy {
    type Input = Minibatch;
    type Output = Silence;

    fn step(&self, minibatch: Minibatch) -> TrainOutput<Silence> {
        TrainOutput::new(self, self.loss(&minibatch).backward(), Silence)
    }
}

impl Way for BurnTrain {
    fn name(&self) -> &'static str {
        "burn-train"
    }

    fn agreement(&self) -> Agreement {
        Agreement::Exact
    }

    fn start<'a>(&self, row: &'a Row, setup: &'a Setup, model: Toy) -> Box<dyn Run + 'a> {
        Box::new(Training {
            learner: learner(model, setup),
            optimizer: row.bare(setup),
            row,
            setup,
        })
    }
}

struct Training<'a> {
    learner: ContinualLearner<Toy>,
    optimizer: ModuleOptimizer,
    row: &'a Row,
    setup: &'a Setup,
}

fn learner(model: Toy, setup: &Setup) -> ContinualLearner<Toy> {
    ContinualLearner::new(model, &setup.config).expect("the config is valid")
}

impl Run for Training<'_> {
    fn step(&mut self, minibatches: &[Minibatch]) {
        let mut accumulator = GradientsAccumulator::new();
        for minibatch in minibatches {
            let output = TrainStep::step(&self.learner, minibatch.clone());
            accumulator.accumulate(&self.learner, output.grads);
        }
        // burn-train clones the learner here too.
        let learner = self.learner.clone();
        let (optimizer, grads) = (&mut self.optimizer, accumulator.grads());
        self.learner = TrainStep::optimize(learner, optimizer, LEARNING_RATE.into(), grads);
    }

    fn end_task(&mut self) {
        self.learner.end_task();
    }

    fn reload(&mut self) {
        self.learner = reloaded(self.learner.clone(), learner(Toy::new(), self.setup));
        let bytes = self.optimizer.into_bytes().expect("it can be written");
        let optimizer = self.row.bare(self.setup).from_bytes(bytes);
        self.optimizer = optimizer.expect("it can be read");
    }

    fn state(&self) -> State {
        State::of(&self.learner, self.learner.regularizer())
    }
}
