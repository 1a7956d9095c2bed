mod choosing;

use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::methods::Regime;
use crate::task::{DeviceImages, TaskSequence};
use crate::{Error, device};

use super::checkpoint::{Checkpoints, Restored};
use super::choice::first_strength;
use super::device_task::{Batch, DeviceTask};
use super::journal::Journal;
use super::path_integrals::PathIntegrals;
use super::random::{Purpose, generator, permutation};
use super::reporter::Reporter;
use super::student::Student;
use super::tasks::tasks;
use super::{Checkpointing, Condition, Cost, EpochRecord, ExperimentConfig, Kept, RunRecord};

/// One condition at one seed, over the whole sequence of tasks.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The protocol.
    pub config: &'a ExperimentConfig,
    /// One of its conditions.
    pub condition: &'a Condition,
    /// One of its seeds.
    pub seed: u64,
    /// Where to write checkpoints and to resume from the last one.
    pub checkpoints: Option<Checkpointing>,
}

/// Progress of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Task in training, from 0.
    pub task: usize,
    /// Epoch within the task, from 0.
    pub epoch: usize,
    /// Training steps done since the run's start.
    pub steps_done: usize,
    /// Training steps of the whole run. The number grows if a strength is chosen and an attempt is not accepted.
    pub steps_total: usize,
    /// At the end of a task: progress of measuring importance, if it is measured then.
    pub measured: Option<Measured>,
}

/// Progress of measuring importance at a task's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// Images done.
    pub num_done: usize,
    /// Images in all.
    pub num_images: usize,
}

/// A run on its tasks and device.
pub(super) struct Training<'a> {
    pub(super) run: &'a Run<'a>,
    sequence: &'a TaskSequence,
    pub(super) tasks: Vec<DeviceTask>,
    /// Outside autodiff.
    pub(super) device: Device,
}

/// Tasks that are learnt together.
pub(super) struct Lesson<'a> {
    pub(super) tasks: &'a [DeviceTask],
    /// Whether a new network learns them instead of that of the previous lesson.
    pub(super) begins_afresh: bool,
}

impl Run<'_> {
    /// Trains and evaluates, or resumes that.
    ///
    /// Calls `observe` at the start of every epoch, after the first step, about a hundred more times during the run, while
    /// importance is measured at a task's end, and once at the end. Reads nothing from the device during an epoch. On a
    /// graphics card, only waits for the first step, for which its kernels are compiled.
    ///
    /// # Errors
    ///
    /// Those of the device, the data set and [`train_on`](Self::train_on).
    pub fn train(&self, observe: &mut dyn FnMut(Progress)) -> Result<RunRecord, Error> {
        let device = device(&self.config.device)?;
        self.train_on(&tasks(self.config, self.seed)?, &device, observe)
    }

    /// Like [`train`](Self::train), with given tasks and a given device.
    ///
    /// # Errors
    ///
    /// [`Error::Step`] if the device fails in the first step, and those of its float32 products, the regularizer's
    /// settings and the checkpoints.
    pub fn train_on(
        &self,
        tasks: &TaskSequence,
        device: &Device,
        observe: &mut dyn FnMut(Progress),
    ) -> Result<RunRecord, Error> {
        let products = self.config.measure_products(device)?;
        let start = Instant::now();
        let device = device.clone().inner();
        let training = Training::new(self, tasks, device);
        let journal = training.train(start, observe)?;
        let matmul_error = products.map(|measured| measured.error);
        journal.into_record(self.config, (self.condition, self.seed), matmul_error)
    }
}

impl<'a> Training<'a> {
    /// `device` is outside autodiff.
    pub(super) fn new(run: &'a Run<'a>, sequence: &'a TaskSequence, device: Device) -> Self {
        Self {
            run,
            sequence,
            tasks: DeviceTask::upload(sequence, &device),
            device,
        }
    }

    /// Another run of the same experiment and seed. Both share the images on the device.
    pub(super) fn of_another(&self, run: &'a Run<'a>) -> Self {
        Self {
            run,
            sequence: self.sequence,
            tasks: self.tasks.clone(),
            device: self.device.clone(),
        }
    }

    /// Does every lesson that is not done yet. Returns the journal of the whole run.
    fn train(&self, start: Instant, observe: &mut dyn FnMut(Progress)) -> Result<Journal, Error> {
        let Run { config, seed, .. } = *self.run;
        let mut checkpoints = self
            .run
            .checkpoints
            .as_ref()
            .map(|place| Checkpoints::new(place.clone(), config, self.run.condition, seed));
        let restored = match &mut checkpoints {
            Some(checkpoints) => {
                let new_student = |journal: &Journal| self.new_student(&self.condition_in(journal));
                checkpoints.restore(config, new_student, self.keeps_path_integrals())?
            }
            None => None,
        };
        let Restored {
            mut journal,
            mut student,
            mut path_integrals,
        } = match restored {
            Some(restored) => restored,
            None => self.begin()?,
        };
        let seconds_before = journal.elapsed_seconds;
        let mut save =
            |journal: &mut Journal, student: &Student, path_integrals: &PathIntegrals| {
                journal.elapsed_seconds = seconds_before + start.elapsed().as_secs_f64();
                match &mut checkpoints {
                    Some(checkpoints) => checkpoints.save_if_due(journal, student, path_integrals),
                    None => Ok(()),
                }
            };

        let lessons = self.lessons();
        let rule = config.choice_rule(self.run.condition);
        let mut reporter = Reporter::new(observe, self.num_steps_at_least(&lessons));
        while let Some(lesson) = lessons.get(journal.lesson) {
            if lesson.begins_afresh && journal.epoch == 0 {
                student = self.new_student(self.run.condition)?;
            }
            let rule = rule.filter(|_| journal.lesson > 0);
            let (now, reporter) = (&mut journal, &mut reporter);
            let save_now = &mut |journal: &mut Journal, student: &Student| {
                save(journal, student, &path_integrals)
            };
            student = match rule {
                None => self.learn(lesson, now, student, reporter, save_now)?,
                Some(rule) => {
                    self.learn_by_choice(rule, lesson, now, &student, reporter, save_now)?
                }
            };
            self.end_lesson(lesson, now, &mut student, &mut path_integrals, reporter)?;
            save(now, &student, &path_integrals)?;
        }
        reporter.report(&journal);
        journal.correlations = path_integrals.correlations();
        Ok(journal)
    }

    /// Trains `student` up to the end of the lesson. Calls `save` after each epoch but the last.
    fn learn(
        &self,
        lesson: &Lesson,
        journal: &mut Journal,
        mut student: Student,
        reporter: &mut Reporter<'_>,
        save: &mut Save<'_>,
    ) -> Result<Student, Error> {
        let Run { config, seed, .. } = *self.run;
        student.begin_lesson(journal.lesson, seed);
        while journal.epoch < config.num_epochs {
            reporter.report(journal);
            student.begin_epoch(journal.lesson, journal.epoch);
            let mut others = self.second_batches(&student, lesson, journal.lesson, journal.epoch);
            for batch in self.batches(lesson, journal.lesson, journal.epoch) {
                let second = others.as_mut().and_then(Iterator::next);
                student = student.step(batch, second, config.learning_rate);
                journal.steps_done += 1;
                let is_first = reporter.is_first_step();
                if is_first {
                    config.wait_for_kernels(&self.device)?;
                }
                reporter.report_step(journal, is_first);
            }
            let mut record = epoch_record(journal, &mut student);
            if config.evaluate_each_epoch {
                record.accuracy = self.accuracy_so_far(journal, &student);
            }
            journal.epochs.push(record);
            journal.cost.passes += student.take_passes();
            journal.epoch += 1;
            if journal.epoch < config.num_epochs {
                save(journal, &student)?;
            }
        }
        Ok(student)
    }

    /// Consolidates and evaluates.
    fn end_lesson(
        &self,
        lesson: &Lesson,
        journal: &mut Journal,
        student: &mut Student,
        path_integrals: &mut PathIntegrals,
        reporter: &mut Reporter<'_>,
    ) -> Result<(), Error> {
        let Run { config, seed, .. } = *self.run;
        if self.keeps_path_integrals() {
            let weights = student.learner.hidden_weights();
            path_integrals.keep(student.learner.regularizer(), &weights);
        }
        if let [learnt] = lesson.tasks {
            let mut observe = |measured| reporter.report_measured(journal, measured);
            let is_inert = student.end_task(learnt, journal.lesson, config, seed, &mut observe)?;
            journal.inert |= is_inert;
        }
        journal.cost.passes += student.take_passes();
        journal.cost.kept = self.kept(student, journal);
        student.reset_optimizer(config, journal.steps_done);
        journal.steps_before_lesson = journal.steps_done;
        // If one network has learnt all tasks at once, every row has its accuracies.
        let num_rows = lesson.tasks.len();
        let (test, train) = self.evaluate(student);
        journal.accuracy.extend(vec![test; num_rows]);
        journal.train_accuracy.extend(vec![train; num_rows]);
        journal.lesson += 1;
        journal.epoch = 0;
        Ok(())
    }

    fn begin(&self) -> Result<Restored, Error> {
        let student = self.new_student(self.run.condition)?;
        let network = student.learner.valid();
        let accuracy = |task: &DeviceTask| task.accuracy(&network, &task.test);
        let config = self.run.config;
        let num_parameters = config.num_plain_parameters(self.sequence, &self.device) as u64;
        Ok(Restored {
            journal: Journal {
                initial_accuracy: self.tasks.iter().map(accuracy).collect(),
                cost: Cost {
                    num_parameters,
                    ..Cost::default()
                },
                ..Journal::default()
            },
            student,
            path_integrals: PathIntegrals::default(),
        })
    }

    /// The condition with the strength that the last finished lesson was learnt with.
    fn condition_in(&self, journal: &Journal) -> Condition {
        let condition = self.run.condition;
        let given = condition.factor().unwrap_or_default();
        condition.with_factor(first_strength(&journal.chosen, given))
    }

    pub(super) fn new_student(&self, condition: &Condition) -> Result<Student, Error> {
        let Run { config, seed, .. } = *self.run;
        let device = self.device.clone().autodiff();
        Student::new(self.sequence, &self.tasks, config, condition, seed, &device)
    }

    pub(super) fn lessons(&self) -> Vec<Lesson<'_>> {
        let one_by_one = |begins_afresh| {
            let tasks = self.tasks.chunks(1);
            let lessons = tasks.map(move |tasks| Lesson {
                tasks,
                begins_afresh,
            });
            lessons.collect()
        };
        match self.run.condition.parts().regime() {
            Regime::OneByOne => one_by_one(false),
            Regime::Afresh => one_by_one(true),
            Regime::Jointly => vec![Lesson {
                tasks: &self.tasks,
                begins_afresh: false,
            }],
        }
    }

    /// Training steps of the whole run, if every strength is accepted at once.
    pub(super) fn num_steps_at_least(&self, lessons: &[Lesson]) -> usize {
        let Run {
            config, condition, ..
        } = *self.run;
        let free = match config.choice_rule(condition) {
            None => 0,
            Some(_) => self.num_steps(lessons.get(1..).unwrap_or_default()),
        };
        self.num_steps(lessons) + free
    }

    /// Training steps of `lessons`, each of which is learnt once.
    pub(super) fn num_steps(&self, lessons: &[Lesson]) -> usize {
        let per_epoch = |lesson| self.num_steps_of_epoch(lesson);
        lessons.iter().map(per_epoch).sum::<usize>() * self.run.config.num_epochs
    }

    /// Training steps of one epoch of `lesson`.
    pub(super) fn num_steps_of_epoch(&self, lesson: &Lesson) -> usize {
        num_images(lesson).div_ceil(self.run.config.batch_size)
    }

    /// Images of all evaluations together.
    pub(super) fn num_evaluated(&self, lessons: &[Lesson]) -> usize {
        let evaluated = self.run.config.num_train_evaluated();
        let of_task = |task: &DeviceTask| task.test.len() + task.train.len().min(evaluated);
        let at_ends = self.tasks.iter().map(of_task).sum::<usize>() * lessons.len();
        at_ends + self.num_evaluated_each_epoch(lessons)
    }

    /// Images of the evaluations after every epoch, if the config asks for these.
    fn num_evaluated_each_epoch(&self, lessons: &[Lesson]) -> usize {
        let config = self.run.config;
        if !config.evaluate_each_epoch {
            return 0;
        }
        let begun = (0..lessons.len()).flat_map(|lesson| self.begun_in(lesson));
        begun.map(|task| task.test.len()).sum::<usize>() * config.num_epochs
    }

    /// The minibatches of one epoch of the lesson `task`. Seeds the backend's generator, which dropout uses.
    pub(super) fn batches<'b>(
        &'b self,
        lesson: &Lesson<'b>,
        task: usize,
        epoch: usize,
    ) -> Box<dyn Iterator<Item = Batch> + 'b> {
        let Run { config, seed, .. } = *self.run;
        self.device
            .seed(generator(seed, Purpose::Dropout { task, epoch }).next_u64());
        let mut rng = generator(seed, Purpose::Order { task, epoch });
        let order = permutation(num_images(lesson), &mut rng);
        Batch::of(lesson.tasks, order, config.batch_size)
    }

    /// The second minibatches of the steps of an epoch, of the same images in another order. `None` if `student` takes one
    /// for each step.
    pub(super) fn second_batches<'b>(
        &'b self,
        student: &Student,
        lesson: &Lesson<'b>,
        task: usize,
        epoch: usize,
    ) -> Option<Box<dyn Iterator<Item = Batch> + 'b>> {
        let Run { config, seed, .. } = *self.run;
        student.needs_second_batch().then(|| {
            let mut rng = generator(seed, Purpose::SecondOrder { task, epoch });
            let order = permutation(num_images(lesson), &mut rng);
            Batch::of(lesson.tasks, order, config.batch_size)
        })
    }

    /// Accuracy on every task, on the test and on the training images.
    fn evaluate(&self, student: &Student) -> (Vec<f64>, Vec<f64>) {
        let network = student.learner.valid();
        let accuracies = |images: &dyn Fn(&DeviceTask) -> DeviceImages| {
            let accuracy = |task: &DeviceTask| task.accuracy(&network, &images(task));
            self.tasks.iter().map(accuracy).collect()
        };
        let evaluated = self.run.config.num_train_evaluated();
        (
            accuracies(&|task| task.test.clone()),
            accuracies(&|task| task.train.first(evaluated)),
        )
    }

    /// Test accuracy on each task that was learnt so far.
    fn accuracy_so_far(&self, journal: &Journal, student: &Student) -> Vec<f64> {
        let network = student.learner.valid();
        let begun = self.begun_in(journal.lesson).iter();
        begun
            .map(|task| task.accuracy(&network, &task.test))
            .collect()
    }

    /// The tasks of the lessons up to `lesson`.
    fn begun_in(&self, lesson: usize) -> &[DeviceTask] {
        match self.run.condition.parts().regime() {
            Regime::OneByOne | Regime::Afresh => &self.tasks[..=lesson],
            Regime::Jointly => &self.tasks,
        }
    }

    /// What the method holds at the end of a lesson.
    fn kept(&self, student: &Student, journal: &Journal) -> Kept {
        let num_plain = journal.cost.num_parameters as usize;
        let num_parameters = student.learner.num_params();
        let of_regime = match self.run.condition.parts().regime() {
            Regime::OneByOne => Kept::default(),
            Regime::Afresh => Kept::numbers(journal.lesson * num_parameters),
            Regime::Jointly => {
                let of_task =
                    |task: &DeviceTask| Kept::images(task.train.len(), task.train.num_pixels());
                self.tasks.iter().map(of_task).sum()
            }
        };
        let growth = Kept::numbers(num_parameters.saturating_sub(num_plain));
        [student.kept(), growth, of_regime].into_iter().sum()
    }

    fn keeps_path_integrals(&self) -> bool {
        let parts = self.run.condition.parts();
        let is_sequence = parts.regime() == Regime::OneByOne;
        self.run.config.record_correlations && is_sequence && parts.anchor.is_none()
    }
}

/// Stores a run if its last checkpoint is old enough.
type Save<'s> = dyn FnMut(&mut Journal, &Student) -> Result<(), Error> + 's;

fn num_images(lesson: &Lesson) -> usize {
    lesson.tasks.iter().map(|task| task.train.len()).sum()
}

fn epoch_record(journal: &Journal, student: &mut Student) -> EpochRecord {
    let report = student.learner.end_epoch();
    let finite = |value: &f64| value.is_finite();
    let measured =
        |value: Option<f64>| value.filter(|value| student.reports_penalty() && finite(value));
    EpochRecord {
        task: journal.lesson,
        epoch: journal.epoch,
        task_loss: report.task_loss.filter(finite),
        penalty: measured(Some(report.penalty)),
        penalty_share: measured(report.penalty_share()),
        accuracy: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
