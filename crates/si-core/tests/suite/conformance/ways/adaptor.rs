use burn::optim::ModuleOptimizer;
use si_core::optim::TaskControl;

use super::{Run, Way, reloaded};
use crate::conformance::model::{Minibatch, Toy};
use crate::conformance::optimizers::Row;
use crate::conformance::setup::{LEARNING_RATE, Setup};
use crate::conformance::state::{Agreement, State};

/// [`Synaptic`](si_core::optim::Synaptic), in a loop that knows only its optimizer.
pub(crate) struct Adaptor;

impl Way for Adaptor {
    fn name(&self) -> &'static str {
        "adaptor"
    }

    fn agreement(&self) -> Agreement {
        Agreement::Exact
    }

    fn start<'a>(&self, row: &'a Row, setup: &'a Setup, model: Toy) -> Box<dyn Run + 'a> {
        let tasks = TaskControl::new();
        Box::new(Training {
            model: Some(model),
            optimizer: row.synaptic(setup, &tasks),
            tasks,
            row,
            setup,
        })
    }
}

struct Training<'a> {
    /// `None` while a step is taken.
    model: Option<Toy>,
    optimizer: ModuleOptimizer,
    tasks: TaskControl,
    row: &'a Row,
    setup: &'a Setup,
}

impl Run for Training<'_> {
    fn step(&mut self, minibatches: &[Minibatch]) {
        let model = self.model.take().expect("no step is in progress");
        let grads = model.gradients(minibatches, None);
        self.model = Some(self.optimizer.step(LEARNING_RATE, model, grads));
    }

    fn end_task(&mut self) {
        self.tasks.end_task();
    }

    fn reload(&mut self) {
        let model = self.model.take().expect("no step is in progress");
        self.model = Some(reloaded(model, Toy::new()));
        let bytes = self.optimizer.into_bytes().expect("it can be written");
        let (task, tasks) = (self.tasks.task(), TaskControl::new());
        let optimizer = self.row.synaptic(self.setup, &tasks).from_bytes(bytes);
        self.optimizer = optimizer.expect("it can be read");
        assert_eq!(tasks.resume(&self.optimizer).ok(), Some(task));
        self.tasks = tasks;
    }

    /// Consolidates a copy, so that the original still has it due in its next step.
    fn state(&self) -> State {
        let model = self.model.clone().expect("no step is in progress");
        let mut optimizer = self.optimizer.clone();
        let model = self.tasks.consolidate(&mut optimizer, model);
        let regularizer = (self.tasks).regularizer(&optimizer, &model, &self.setup.config);
        State::of(&model, &regularizer.expect("the config is valid"))
    }
}
