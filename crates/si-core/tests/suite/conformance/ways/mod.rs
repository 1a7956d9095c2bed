//! The ways of plugging the method into a loop.

pub(crate) mod adaptor;
pub(crate) mod alone;
#[cfg(feature = "train")]
pub(crate) mod burn_train;
pub(crate) mod learner;
pub(crate) mod plain;

use burn::module::Module;
use burn::store::ModuleRecord;

use crate::conformance::model::{Minibatch, Toy};
use crate::conformance::optimizers::Row;
use crate::conformance::setup::{STEPS, Setup, TASKS};
use crate::conformance::state::{Agreement, State};

/// A way of plugging the method in.
pub(crate) trait Way {
    fn name(&self) -> &'static str;

    /// How well it agrees with the regularizer alone.
    fn agreement(&self) -> Agreement;

    /// Begins to train.
    fn start<'a>(&self, row: &'a Row, setup: &'a Setup, model: Toy) -> Box<dyn Run + 'a>;
}

/// A module in training.
pub(crate) trait Run {
    /// One step on the summed gradients of the minibatches.
    fn step(&mut self, minibatches: &[Minibatch]);

    fn end_task(&mut self);

    /// Goes on with what was made of the records of all that there is.
    fn reload(&mut self);

    /// As it is after all that has happened.
    fn state(&self) -> State;
}

/// The ways of the library. Another one is another entry here, behind its feature where it has one.
pub(crate) fn all() -> Vec<Box<dyn Way>> {
    vec![
        Box::new(learner::Learner),
        Box::new(alone::CLOSED_FORM),
        Box::new(alone::LOSS_TERM),
        Box::new(adaptor::Adaptor),
        #[cfg(feature = "train")]
        Box::new(burn_train::BurnTrain),
    ]
}

/// The states before and after each task's end.
pub(crate) fn trajectory(way: &dyn Way, row: &Row, setup: &Setup) -> Vec<State> {
    let mut run = way.start(row, setup, Toy::new());
    let mut states = Vec::new();
    for task in 0..TASKS {
        for step in 0..STEPS {
            run.step(&setup.minibatches(task, step));
            if setup.reloads {
                run.reload();
            }
        }
        states.push(run.state());
        run.end_task();
        if setup.reloads {
            run.reload();
        }
        states.push(run.state());
    }
    states
}

/// A module through the bytes of its record into `fresh`.
fn reloaded<M: Module>(module: M, fresh: M) -> M {
    let bytes = module.into_record().into_bytes();
    let bytes = bytes.expect("it can be written");
    let record = ModuleRecord::from_bytes(bytes).expect("it can be read");
    fresh.try_load_record(record).expect("it fits")
}
