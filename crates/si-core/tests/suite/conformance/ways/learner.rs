use burn::optim::OptimizerRecord;
use si_core::{ContinualLearner, SynapticOptimizer};

use super::{Run, Way, reloaded};
use crate::conformance::model::{Minibatch, Toy};
use crate::conformance::optimizers::Row;
use crate::conformance::setup::{LEARNING_RATE, Setup};
use crate::conformance::state::{Agreement, State};

/// [`ContinualLearner`] in a loop written by hand.
pub(crate) struct Learner;

impl Way for Learner {
    fn name(&self) -> &'static str {
        "learner"
    }

    fn agreement(&self) -> Agreement {
        Agreement::Exact
    }

    fn start<'a>(&self, row: &'a Row, setup: &'a Setup, model: Toy) -> Box<dyn Run + 'a> {
        Box::new(Training {
            learner: Some(learner(model, setup)),
            optimizer: row.continual(setup),
            row,
            setup,
        })
    }
}

struct Training<'a> {
    /// `None` while a step is taken.
    learner: Option<ContinualLearner<Toy>>,
    optimizer: SynapticOptimizer,
    row: &'a Row,
    setup: &'a Setup,
}

fn learner(model: Toy, setup: &Setup) -> ContinualLearner<Toy> {
    ContinualLearner::new(model, &setup.config).expect("the config is valid")
}

impl Training<'_> {
    fn take(&mut self) -> ContinualLearner<Toy> {
        self.learner.take().expect("no step is in progress")
    }
}

impl Run for Training<'_> {
    fn step(&mut self, minibatches: &[Minibatch]) {
        let learner = self.take();
        let grads = learner.gradients(minibatches, None);
        self.learner = Some(learner.optimize(&mut self.optimizer, LEARNING_RATE, grads));
    }

    fn end_task(&mut self) {
        let mut learner = self.take();
        learner.end_task();
        self.learner = Some(learner);
    }

    fn reload(&mut self) {
        let learner = reloaded(self.take(), learner(Toy::new(), self.setup));
        self.learner = Some(learner);
        let bytes = self.optimizer.to_record().into_bytes();
        let bytes = bytes.expect("it can be written");
        let record = OptimizerRecord::from_bytes(bytes).expect("it can be read");
        self.optimizer = self.row.continual(self.setup).load_record(record);
    }

    fn state(&self) -> State {
        let learner = self.learner.as_ref().expect("no step is in progress");
        State::of(learner, learner.regularizer())
    }
}
