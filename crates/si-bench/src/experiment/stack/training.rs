use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};

use crate::Error;
use crate::experiment::cost::Kept;
use crate::experiment::journal::Journal;
use crate::experiment::path_integrals::PathIntegrals;
use crate::experiment::random::{Purpose, generator, permutation};
use crate::experiment::reporter::Reporter;
use crate::experiment::{ExperimentConfig, Progress};
use crate::methods::Regime;
use crate::model::StackedMlp;
use crate::task::{StackedImages, TaskSequence};

use super::StackedRuns;
use super::checkpoint::{Restored, StackedCheckpoints};
use super::journals::Journals;
use super::student::StackedStudent;
use super::task::StackedTask;

/// The runs of a stack on their tasks and device.
pub(super) struct StackedTraining<'a> {
    stack: &'a StackedRuns<'a>,
    regime: Regime,
    /// The tasks of one run. Those of the others differ at most in the order of the pixels.
    sequence: &'a TaskSequence,
    tasks: Vec<StackedTask>,
    /// Outside autodiff.
    device: Device,
}

impl<'a> StackedTraining<'a> {
    /// `sequences` are the tasks of each run, at least one, and `device` is outside autodiff.
    pub(super) fn new(
        stack: &'a StackedRuns<'a>,
        regime: Regime,
        sequences: &'a [TaskSequence],
        device: Device,
    ) -> Result<Self, Error> {
        let tasks = StackedTask::upload(sequences, &device)?;
        let Some(sequence) = sequences.first() else {
            return Err(Error::Config("each run needs its tasks".to_string()));
        };
        Ok(Self {
            stack,
            regime,
            sequence,
            tasks,
            device,
        })
    }

    /// Learns every task that is not learnt yet. Returns the journal of each whole run.
    pub(super) fn train(
        &self,
        start: Instant,
        observe: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Journal>, Error> {
        let StackedRuns { config, runs, .. } = *self.stack;
        let place = self.stack.checkpoints.clone();
        let mut checkpoints = place.and_then(|it| StackedCheckpoints::new(it, config, runs));
        let restored = match &mut checkpoints {
            Some(checkpoints) => {
                checkpoints.restore(config, || self.new_student(), self.keeps_path_integrals())?
            }
            None => None,
        };
        let Restored {
            mut journals,
            mut student,
            mut path_integrals,
        } = match restored {
            Some(restored) => restored,
            None => self.begin()?,
        };
        let seconds_before = journals.point().elapsed_seconds;
        let mut save =
            |journals: &mut Journals, student: &StackedStudent, path_integrals: &PathIntegrals| {
                let seconds = start.elapsed().as_secs_f64() / runs.len() as f64;
                for journal in journals.each() {
                    journal.elapsed_seconds = seconds_before + seconds;
                }
                match &mut checkpoints {
                    Some(checkpoints) => checkpoints.save_if_due(journals, student, path_integrals),
                    None => Ok(()),
                }
            };

        let mut reporter = Reporter::new(observe, self.num_steps());
        while let Some(task) = self.tasks.get(journals.point().lesson) {
            if self.regime == Regime::Afresh && journals.point().epoch == 0 {
                student = self.new_student()?;
            }
            let now = &mut journals;
            let save_now = &mut |journals: &mut Journals, student: &StackedStudent| {
                save(journals, student, &path_integrals)
            };
            student = self.learn(task, now, student, &mut reporter, save_now)?;
            self.end_task(now, &mut student, &mut path_integrals);
            save(now, &student, &path_integrals)?;
        }
        reporter.report(journals.point());
        let of_each = path_integrals.of_each_replica(runs.len());
        for (journal, path_integrals) in journals.each().zip(of_each) {
            journal.correlations = path_integrals.correlations();
        }
        Ok(journals.into_vec())
    }

    /// Trains `student` up to the end of `task`. Calls `save` after each epoch but the last.
    fn learn(
        &self,
        task: &StackedTask,
        journals: &mut Journals,
        mut student: StackedStudent,
        reporter: &mut Reporter<'_>,
        save: &mut Save<'_>,
    ) -> Result<StackedStudent, Error> {
        let config = self.stack.config;
        while journals.point().epoch < config.num_epochs {
            reporter.report(journals.point());
            let orders = self.orders(task, journals.point());
            let mut losses: Option<Tensor<1>> = None;
            for batch in task.batches(&orders, config.batch_size) {
                let of_step;
                (student, of_step) = student.step(task, batch, config.learning_rate);
                losses = Some(match losses {
                    Some(before) => before + of_step,
                    None => of_step,
                });
                journals.count_step();
                let is_first = reporter.is_first_step();
                if is_first {
                    config.wait_for_kernels(&self.device)?;
                }
                reporter.report_step(journals.point(), is_first);
            }
            let num_steps = task.train.len().div_ceil(config.batch_size);
            let losses = losses.map_or(Vec::new(), |sum| sum.into_data().iter::<f64>().collect());
            let means = losses.into_iter().map(|sum| sum / num_steps as f64);
            journals.end_epoch(means.collect(), task.train.len());
            if journals.point().epoch < config.num_epochs {
                save(journals, &student)?;
            }
        }
        Ok(student)
    }

    /// Consolidates and evaluates.
    fn end_task(
        &self,
        journals: &mut Journals,
        student: &mut StackedStudent,
        path_integrals: &mut PathIntegrals,
    ) {
        if self.keeps_path_integrals() {
            let weights = student.learner.hidden_weights();
            path_integrals.keep(student.learner.regularizer(), &weights);
        }
        let are_inert = student.end_task();
        student.reset_optimizer(self.stack.config, journals.point().steps_done);
        let network = student.learner.valid();
        let evaluated = self.stack.config.num_train_evaluated();
        let test = self.accuracies(&network, |task| task.test.clone());
        let train = self.accuracies(&network, |task| task.train.first(evaluated));
        let results = are_inert.into_iter().zip(student.kept());
        let results = results.zip(test.into_iter().zip(train));
        for (journal, ((is_inert, kept), (test, train))) in journals.each().zip(results) {
            journal.inert |= is_inert;
            journal.cost.kept = [kept, self.kept_of_regime(journal)].into_iter().sum();
            journal.steps_before_lesson = journal.steps_done;
            journal.accuracy.push(test);
            journal.train_accuracy.push(train);
            journal.lesson += 1;
            journal.epoch = 0;
        }
    }

    fn begin(&self) -> Result<Restored, Error> {
        let student = self.new_student()?;
        let initial = self.accuracies(&student.learner.valid(), |task| task.test.clone());
        let config = self.stack.config;
        let num_parameters = config.num_plain_parameters(self.sequence, &self.device) as u64;
        Ok(Restored {
            journals: Journals::new(initial, num_parameters),
            student,
            path_integrals: PathIntegrals::default(),
        })
    }

    fn new_student(&self) -> Result<StackedStudent, Error> {
        let StackedRuns { config, runs, .. } = *self.stack;
        let device = self.device.clone().autodiff();
        StackedStudent::new(self.sequence, config, runs, &device)
    }

    /// The order of the training images of `task` for each replica, in the epoch that the runs are at.
    fn orders(&self, task: &StackedTask, point: &Journal) -> Vec<Vec<i32>> {
        let purpose = Purpose::Order {
            task: point.lesson,
            epoch: point.epoch,
        };
        let runs = self.stack.runs.iter();
        runs.map(|(_, seed)| permutation(task.train.len(), &mut generator(*seed, purpose)))
            .collect()
    }

    /// Training steps of the stack.
    fn num_steps(&self) -> usize {
        let ExperimentConfig {
            batch_size,
            num_epochs,
            ..
        } = *self.stack.config;
        let per_epoch = |task: &StackedTask| task.train.len().div_ceil(batch_size);
        self.tasks.iter().map(per_epoch).sum::<usize>() * num_epochs
    }

    /// Accuracy of each replica on every task, `[replicas][tasks]`, on the images that `images` returns. Reads the counts
    /// of all tasks from the device at once.
    fn accuracies(
        &self,
        network: &StackedMlp,
        images: impl Fn(&StackedTask) -> StackedImages,
    ) -> Vec<Vec<f64>> {
        let images: Vec<StackedImages> = self.tasks.iter().map(images).collect();
        let tasks = self.tasks.iter().zip(&images);
        let counts = tasks.map(|(task, images)| task.num_correct(network, images));
        let counts: Tensor<2, Int> = Tensor::stack(counts.collect(), 1);
        let counts: Vec<i64> = counts.into_data().iter().collect();
        let accuracy =
            |(count, images): (&i64, &StackedImages)| *count as f64 / images.len().max(1) as f64;
        let of_replica = |counts: &[i64]| counts.iter().zip(&images).map(accuracy).collect();
        counts.chunks(images.len()).map(of_replica).collect()
    }

    /// What a run holds at the end of a task because of the order in which it learns.
    fn kept_of_regime(&self, journal: &Journal) -> Kept {
        match self.regime {
            Regime::Afresh => Kept::numbers(journal.lesson * journal.cost.num_parameters as usize),
            Regime::OneByOne | Regime::Jointly => Kept::default(),
        }
    }

    fn keeps_path_integrals(&self) -> bool {
        self.stack.config.record_correlations && self.regime == Regime::OneByOne
    }
}

/// Stores the runs if their last checkpoint is old enough.
type Save<'s> = dyn FnMut(&mut Journals, &StackedStudent) -> Result<(), Error> + 's;
