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

    /// Starts a training.
    fn start<'a>(&self, row: &'a Row, setup: &'a Setup, model: Toy) -> Box<dyn Run + 'a>;
}

/// A module in training.
pub(crate) trait Run {
    /// Takes one step on the summed gradients of the minibatches.
    fn step(&mut self, minibatches: &[Minibatch]);

    fn end_task(&mut self);

    /// Stores everything in records, and continues with what was loaded from them.
    fn reload(&mut self);

    /// The current state.
    fn state(&self) -> State;
}

/// All ways that the library offers. Add each new one here, behind its feature if it has one.
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

/// Trains, and returns the states before and after each task's end.
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

/// Loads the bytes of a module's record into `fresh`.
fn reloaded<M: Module>(module: M, fresh: M) -> M {
    let bytes = module.into_record().into_bytes();
    let bytes = bytes.expect("it can be written");
    let record = ModuleRecord::from_bytes(bytes).expect("it can be read");
    fresh.try_load_record(record).expect("it fits")
}
