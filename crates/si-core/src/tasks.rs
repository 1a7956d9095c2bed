//! Trains a learner on one task after the other, so that no call between them is forgotten.
//!
//! A [`TaskTraining`] says how to train an epoch and how to evaluate a task. [`learn_tasks`] does what is the same in
//! every program: a fresh optimizer for each task (or the same one), [`end_task`](ContinualLearner::end_task), training
//! and validation mode, the evaluation of all tasks, and the [`AccuracyMatrix`].
//!
//! ```
//! use burn::nn::{Linear, LinearConfig};
//! use burn::optim::{AdamConfig, ModuleOptimizer};
//! use burn::tensor::{Device, Tensor};
//! use si_core::tasks::{Epoch, TaskTraining, learn_tasks};
//! use si_core::{ContinualLearner, Error, SynapticIntelligenceConfig};
//!
//! struct Signs { device: Device }
//!
//! impl TaskTraining<Linear> for Signs {
//!     type Optimizer = ModuleOptimizer;
//!     type Error = Error;
//!
//!     fn num_tasks(&self) -> usize { 2 }
//!
//!     fn num_epochs(&self, _task: usize) -> usize { 5 }
//!
//!     fn optimizer(&mut self, _task: usize) -> ModuleOptimizer { AdamConfig::new().init() }
//!
//!     fn train_epoch(
//!         &mut self,
//!         Epoch { task, .. }: Epoch,
//!         learner: ContinualLearner<Linear>,
//!         optimizer: &mut ModuleOptimizer,
//!     ) -> Result<ContinualLearner<Linear>, Error> {
//!         let inputs = Tensor::<2>::ones([4, 2], &self.device);
//!         let target = 1.0 - 2.0 * task as f64;
//!         let loss = |model: &Linear| (model.forward(inputs) - target).square().mean();
//!         Ok(learner.step(optimizer, 1e-2, loss).0)
//!     }
//!
//!     fn evaluate(&mut self, task: usize, model: &Linear) -> Result<f64, Error> {
//!         let input = Tensor::<2>::ones([1, 2], &self.device.clone().inner());
//!         let output = model.forward(input);
//!         let is_positive = output.into_scalar::<f32>() > 0.0;
//!         Ok(if is_positive == (task == 0) { 1.0 } else { 0.0 })
//!     }
//! }
//!
//! # fn main() -> Result<(), Error> {
//! let device = Device::flex().autodiff();
//! let model = LinearConfig::new(2, 1).init(&device);
//! let learner = ContinualLearner::new(model, &SynapticIntelligenceConfig::new())?;
//! let learnt = learn_tasks(learner, &mut Signs { device }, Vec::new())?;
//! assert_eq!(learnt.accuracy.num_tasks(), 2);
//! assert_eq!(learnt.learner.regularizer().task(), 2);
//! # Ok(())
//! # }
//! ```
//!
//! With burn-train, `train_epoch` is a whole launch: `num_epochs` stays 1, `SupervisedTraining` has the epochs, and the
//! model that the launch gives back is returned. It may be in validation mode.

use burn::module::Module;

use crate::measures::AccuracyMatrix;
use crate::{ContinualLearner, ContinualOptimizer, Error, TaskWarning};

/// How to train and evaluate the tasks of a sequence. Tasks and epochs count from 0.
///
/// The hooks do nothing unless they are written. They may change the learner: grow a head in
/// [`before_task`](Self::before_task), for example, or save a checkpoint in [`after_task`](Self::after_task).
pub trait TaskTraining<M: Module> {
    /// Any of Burn's optimizers, or one of ours.
    type Optimizer: ContinualOptimizer;
    /// What may go wrong.
    type Error: From<Error>;

    /// Number of tasks.
    fn num_tasks(&self) -> usize;

    /// Number of epochs of a task. Default: 1.
    fn num_epochs(&self, _task: usize) -> usize {
        1
    }

    /// The optimizer for a task.
    fn optimizer(&mut self, task: usize) -> Self::Optimizer;

    /// Whether a task continues with the optimizer of the task before it. Default: no, which is right if each task has
    /// separate outputs. The paper keeps the optimizer if tasks share their outputs.
    fn keeps_optimizer(&self) -> bool {
        false
    }

    /// Trains one epoch. `learner` is in training mode. What is returned may be in either mode.
    ///
    /// # Errors
    ///
    /// Whatever ends the training.
    fn train_epoch(
        &mut self,
        epoch: Epoch,
        learner: ContinualLearner<M>,
        optimizer: &mut Self::Optimizer,
    ) -> Result<ContinualLearner<M>, Self::Error>;

    /// Accuracy of `module`, which is in validation mode, on a task: in `[0, 1]`. It is asked for every task, those that
    /// were not trained yet included.
    ///
    /// # Errors
    ///
    /// Whatever ends the training.
    fn evaluate(&mut self, task: usize, module: &M) -> Result<f64, Self::Error>;

    /// Called before the first epoch of a task, in training mode.
    ///
    /// # Errors
    ///
    /// Whatever ends the training.
    fn before_task(
        &mut self,
        _task: usize,
        _learner: &mut ContinualLearner<M>,
    ) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Called before an epoch, in training mode.
    ///
    /// # Errors
    ///
    /// Whatever ends the training.
    fn before_epoch(
        &mut self,
        _epoch: Epoch,
        _learner: &mut ContinualLearner<M>,
    ) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Called after an epoch, in training mode.
    ///
    /// # Errors
    ///
    /// Whatever ends the training.
    fn after_epoch(
        &mut self,
        _epoch: Epoch,
        _learner: &mut ContinualLearner<M>,
    ) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Called after a task was consolidated and all tasks were evaluated, in training mode.
    ///
    /// # Errors
    ///
    /// Whatever ends the training.
    fn after_task(
        &mut self,
        _end: TaskEnd<'_>,
        _learner: &mut ContinualLearner<M>,
    ) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// An epoch of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Index of the task, from 0.
    pub task: usize,
    /// Index of the epoch in the task, from 0.
    pub epoch: usize,
}

/// What is known at a task's end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TaskEnd<'a> {
    /// Index of the task, from 0.
    pub task: usize,
    /// Why consolidation had no effect in the task, or that the training diverged. `None` if no problem was noticed.
    pub warning: Option<TaskWarning>,
    /// For each task trained so far, the accuracies on all tasks after it: what [`learn_tasks`] resumes from.
    pub rows: &'a [Vec<f64>],
}

/// What [`learn_tasks`] returns.
#[derive(Clone, Debug)]
pub struct LearntTasks<M> {
    /// The learner after the last task, in training mode.
    pub learner: ContinualLearner<M>,
    /// The accuracy on each task after each task.
    pub accuracy: AccuracyMatrix,
    /// The warning of each task that was trained in this call, as in [`TaskEnd::warning`].
    pub warnings: Vec<Option<TaskWarning>>,
}

/// Trains `learner` on the tasks of `training` in order.
///
/// `done` has a row of accuracies for each task that was trained before: empty at the start, and
/// [`TaskEnd::rows`] from a checkpoint to resume. Training continues with task `done.len()`.
///
/// # Errors
///
/// Those of `training`, and [`Error::Accuracy`] if an accuracy is not in `[0, 1]`, if there is no task, or if the rows in
/// `done` do not have an accuracy for each task.
pub fn learn_tasks<M: Module, T: TaskTraining<M>>(
    learner: ContinualLearner<M>,
    training: &mut T,
    done: Vec<Vec<f64>>,
) -> Result<LearntTasks<M>, T::Error> {
    let num_tasks = training.num_tasks();
    if done.len() > num_tasks || done.iter().any(|row| row.len() != num_tasks) {
        let lengths: Vec<usize> = done.iter().map(Vec::len).collect();
        return Err(Error::Accuracy(format!(
            "each task that is done needs one row with {num_tasks} accuracies, got rows of {lengths:?}"
        ))
        .into());
    }
    let mut learner = learner.train();
    let mut rows = done;
    let mut warnings = Vec::new();
    let mut optimizer = None;
    for task in rows.len()..num_tasks {
        let kept = optimizer.take().filter(|_| training.keeps_optimizer());
        let optimizer = optimizer.insert(kept.unwrap_or_else(|| training.optimizer(task)));
        training.before_task(task, &mut learner)?;
        for epoch in 0..training.num_epochs(task) {
            let epoch = Epoch { task, epoch };
            training.before_epoch(epoch, &mut learner)?;
            learner = training.train_epoch(epoch, learner, optimizer)?.train();
            training.after_epoch(epoch, &mut learner)?;
        }
        let warning = learner.end_task();
        warnings.push(warning);
        let evaluated = learner.valid();
        let row = (0..num_tasks).map(|task| training.evaluate(task, &evaluated));
        rows.push(row.collect::<Result<_, _>>()?);
        let end = TaskEnd {
            task,
            warning,
            rows: &rows,
        };
        training.after_task(end, &mut learner)?;
    }
    Ok(LearntTasks {
        learner,
        accuracy: AccuracyMatrix::new(rows)?,
        warnings,
    })
}

#[cfg(test)]
mod tests {
    use burn::optim::{AdamConfig, ModuleOptimizer};

    use super::*;
    use crate::SynapticIntelligenceConfig;
    use crate::test_device::assert_same;
    use crate::test_line::Line;

    const LEARNING_RATE: f64 = 0.05;

    /// Tasks of two epochs of three steps, with a note of each call.
    #[derive(Default)]
    struct Noted {
        keeps_optimizer: bool,
        calls: Vec<String>,
        ends_after: Option<usize>,
        rows: Vec<Vec<f64>>,
    }

    impl TaskTraining<Line> for Noted {
        type Optimizer = ModuleOptimizer;
        type Error = Error;

        fn num_tasks(&self) -> usize {
            2
        }

        fn num_epochs(&self, _task: usize) -> usize {
            2
        }

        fn optimizer(&mut self, task: usize) -> ModuleOptimizer {
            self.calls.push(format!("optimizer {task}"));
            AdamConfig::new().init()
        }

        fn keeps_optimizer(&self) -> bool {
            self.keeps_optimizer
        }

        fn train_epoch(
            &mut self,
            Epoch { task, epoch }: Epoch,
            mut learner: ContinualLearner<Line>,
            optimizer: &mut ModuleOptimizer,
        ) -> Result<ContinualLearner<Line>, Error> {
            self.calls.push(format!("train {task} {epoch}"));
            for step in 0..3 {
                let step = 6 * task + 3 * epoch + step;
                (learner, _) = learner.step(optimizer, LEARNING_RATE, |line| line.loss(step));
            }
            // As burn-train's launch gives it back.
            Ok(learner.valid())
        }

        fn evaluate(&mut self, task: usize, module: &Line) -> Result<f64, Error> {
            assert!(!is_training(module));
            self.calls.push(format!("evaluate {task}"));
            Ok(0.25 * (task + 1) as f64)
        }

        fn before_task(
            &mut self,
            task: usize,
            learner: &mut ContinualLearner<Line>,
        ) -> Result<(), Error> {
            assert!(is_training(learner));
            self.calls.push(format!("before task {task}"));
            Ok(())
        }

        fn after_epoch(
            &mut self,
            epoch: Epoch,
            learner: &mut ContinualLearner<Line>,
        ) -> Result<(), Error> {
            assert_eq!(learner.regularizer().task(), epoch.task);
            self.calls
                .push(format!("after epoch {} {}", epoch.task, epoch.epoch));
            Ok(())
        }

        fn after_task(
            &mut self,
            end: TaskEnd<'_>,
            learner: &mut ContinualLearner<Line>,
        ) -> Result<(), Error> {
            assert_eq!(learner.regularizer().task(), end.task + 1);
            self.calls.push(format!("after task {}", end.task));
            self.rows = end.rows.to_vec();
            if self.ends_after == Some(end.task) {
                Err(Error::Accuracy("interrupted".to_string()))
            } else {
                Ok(())
            }
        }
    }

    fn learner() -> ContinualLearner<Line> {
        let config = SynapticIntelligenceConfig::new().with_damping(0.01);
        ContinualLearner::new(Line::new(), &config).expect("the config is valid")
    }

    fn is_training(line: &Line) -> bool {
        line.scale.is_require_grad()
    }

    fn numbers(learner: &ContinualLearner<Line>) -> Vec<f64> {
        learner.scale.val().into_data().iter::<f64>().collect()
    }

    #[test]
    fn calls_are_complete_and_in_order() {
        let mut training = Noted::default();
        let learnt = learn_tasks(learner(), &mut training, Vec::new()).expect("it goes well");
        let of_task = |task: usize| {
            [
                format!("optimizer {task}"),
                format!("before task {task}"),
                format!("train {task} 0"),
                format!("after epoch {task} 0"),
                format!("train {task} 1"),
                format!("after epoch {task} 1"),
                "evaluate 0".to_string(),
                "evaluate 1".to_string(),
                format!("after task {task}"),
            ]
        };
        assert_eq!(training.calls, [of_task(0), of_task(1)].concat());
        assert_eq!(learnt.accuracy.rows(), [[0.25, 0.5], [0.25, 0.5]]);
        assert_eq!(learnt.warnings, [None, None]);
        assert!(is_training(&learnt.learner));
    }

    #[test]
    fn it_trains_like_a_hand_written_loop() {
        for keeps_optimizer in [false, true] {
            let mut training = Noted {
                keeps_optimizer,
                ..Noted::default()
            };
            let learnt = learn_tasks(learner(), &mut training, Vec::new()).expect("it goes well");
            let mut by_hand = learner();
            let mut optimizer = AdamConfig::new().init();
            for task in 0..2 {
                if !keeps_optimizer {
                    optimizer = AdamConfig::new().init();
                }
                for step in 6 * task..6 * task + 6 {
                    (by_hand, _) =
                        by_hand.step(&mut optimizer, LEARNING_RATE, |line| line.loss(step));
                }
                by_hand.end_task();
            }
            assert_same(&numbers(&learnt.learner), &numbers(&by_hand));
        }
    }

    #[test]
    fn training_resumes_after_the_tasks_that_are_done() {
        let mut training = Noted {
            ends_after: Some(0),
            ..Noted::default()
        };
        let error = learn_tasks(learner(), &mut training, Vec::new()).map(|_| ());
        assert_eq!(error.expect_err("it ends").to_string(), "interrupted");
        let mut resumed = Noted::default();
        let mut optimizer = AdamConfig::new().init();
        let (mut stored, _) = learner().step(&mut optimizer, LEARNING_RATE, |line| line.loss(0));
        stored.end_task();
        let learnt = learn_tasks(stored, &mut resumed, training.rows).expect("it goes well");
        assert_eq!(resumed.calls[..2], ["optimizer 1", "before task 1"]);
        assert_eq!(learnt.accuracy.num_tasks(), 2);
        assert_eq!(learnt.warnings.len(), 1);
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let mut training = Noted::default();
        let error = learn_tasks(learner(), &mut training, vec![vec![0.5]]).map(|_| ());
        assert_eq!(
            error
                .expect_err("the row has too few accuracies")
                .to_string(),
            "each task that is done needs one row with 2 accuracies, got rows of [1]"
        );
        assert!(training.calls.is_empty(), "nothing was trained");
    }
}
