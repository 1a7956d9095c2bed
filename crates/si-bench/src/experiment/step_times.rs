use std::time::Instant;

use burn::tensor::Device;

use crate::Error;
use crate::task::TaskSequence;

use super::run::{Run, Training};
use super::student::Student;
use super::tasks::tasks;
use super::{Condition, ExperimentConfig};

/// How long the training steps of a condition take in its second task, and the end of that task.
///
/// By then, whatever the method needs from earlier tasks is there: importance, a memory, a frozen copy.
#[derive(Clone, Debug, PartialEq)]
pub struct StepTimes {
    /// The condition.
    pub condition: Condition,
    /// Time of a step, in seconds, in each round. It includes drawing the minibatch.
    pub step_seconds: Vec<f64>,
    /// Time to end the task, in seconds, each time. Empty if all tasks are learnt at once, because then none ends.
    pub end_seconds: Vec<f64>,
}

/// How often the conditions take turns when their steps are timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounds {
    /// Rounds in which each condition takes steps in a row.
    pub num_rounds: usize,
    /// Steps that are timed of each condition in a round: at least 1, and at most as many as an epoch has.
    pub num_steps: usize,
    /// Rounds after these in which each condition ends the task.
    pub num_ends: usize,
}

impl ExperimentConfig {
    /// Times the steps of all conditions, at the first seed. Each learns its first task for one epoch, without being timed.
    /// Then they take turns in the second one, so that the machine's other work slows all of them down alike.
    ///
    /// Unlike [`Run::probe`], this ends a task, which may take longer than many steps.
    ///
    /// # Errors
    ///
    /// Those of [`find_device`](Self::find_device), the data set and the methods' settings, and [`Error::Step`] if the
    /// device fails.
    pub fn time_steps(&self, rounds: Rounds) -> Result<Vec<StepTimes>, Error> {
        let device = self.find_device()?;
        let sequence = tasks(self, self.first_seed)?;
        self.time_steps_on(&sequence, device.inner(), rounds)
    }

    /// `device` is outside autodiff.
    fn time_steps_on(
        &self,
        sequence: &TaskSequence,
        device: Device,
        rounds: Rounds,
    ) -> Result<Vec<StepTimes>, Error> {
        let conditions = self.conditions();
        let run = |condition| Run {
            config: self,
            condition,
            seed: self.first_seed,
            checkpoints: None,
        };
        let runs: Vec<Run> = conditions.iter().map(run).collect();
        let Some(first) = runs.first() else {
            return Ok(Vec::new());
        };
        let training = Training::new(first, sequence, device);
        let begun = runs.iter().map(|run| training.of_another(run));
        let begun = begun.map(SecondTask::begin);
        let mut all: Vec<SecondTask> = begun.collect::<Result<_, _>>()?;
        for _ in 0..rounds.num_rounds {
            let timed = all.into_iter().map(|it| it.time_steps(rounds.num_steps));
            all = timed.collect::<Result<_, _>>()?;
        }
        for _ in 0..rounds.num_ends {
            let timed = all.into_iter().map(SecondTask::time_end);
            all = timed.collect::<Result<_, _>>()?;
        }
        Ok(all.into_iter().map(|it| it.times).collect())
    }
}

/// A run in its second lesson, with what it has taken up to now. If it has only one lesson, it is in that.
struct SecondTask<'a> {
    training: Training<'a>,
    student: Student,
    /// The place of the lesson.
    lesson: usize,
    /// How often it went over the images of the lesson, or began to.
    num_epochs: usize,
    times: StepTimes,
}

impl<'a> SecondTask<'a> {
    /// Learns the first lesson for one epoch and ends it.
    fn begin(training: Training<'a>) -> Result<Self, Error> {
        let Run {
            config,
            condition,
            seed,
            ..
        } = *training.run;
        let mut student = training.new_student(condition)?;
        let mut lesson = 0;
        if let [first, second, ..] = &training.lessons()[..] {
            student.begin_lesson(lesson, seed);
            student.begin_epoch(lesson, 0);
            let num_steps = training.num_steps_of_epoch(first);
            student = steps(&training, student, (lesson, 0), num_steps, &mut |_| Ok(()))?;
            end(&training, &mut student, lesson)?;
            student.reset_optimizer(config, num_steps);
            if second.begins_afresh {
                student = training.new_student(condition)?;
            }
            lesson = 1;
        }
        student.begin_lesson(lesson, seed);
        // Whatever is frozen in the first epochs learns in the last one.
        student.begin_epoch(lesson, config.num_epochs - 1);
        Ok(Self {
            student,
            lesson,
            num_epochs: 0,
            times: StepTimes {
                condition: condition.clone(),
                step_seconds: Vec::new(),
                end_seconds: Vec::new(),
            },
            training,
        })
    }

    /// Takes steps in a row, and waits for the device after the last.
    fn time_steps(mut self, num_steps: usize) -> Result<Self, Error> {
        let training = &self.training;
        let wait = || training.run.config.wait_for_steps(&training.device);
        let in_epoch = training.num_steps_of_epoch(&training.lessons()[self.lesson]);
        let num_timed = num_steps.min(in_epoch).max(1);
        let warm_up = WARM_UP.min(in_epoch - num_timed);
        let mut start = Instant::now();
        let place = (self.lesson, self.num_epochs);
        let num_steps = warm_up + num_timed;
        self.student = steps(training, self.student, place, num_steps, &mut |step| {
            if step == warm_up {
                wait()?;
                start = Instant::now();
            }
            Ok(())
        })?;
        wait()?;
        let seconds = start.elapsed().as_secs_f64() / num_timed as f64;
        self.times.step_seconds.push(seconds);
        self.num_epochs += 1;
        Ok(self)
    }

    /// Ends the task, after some steps: without any, there would be nothing to consolidate.
    fn time_end(mut self) -> Result<Self, Error> {
        let training = &self.training;
        let wait = || training.run.config.wait_for_steps(&training.device);
        let place = (self.lesson, self.num_epochs);
        self.student = steps(training, self.student, place, WARM_UP, &mut |_| Ok(()))?;
        self.num_epochs += 1;
        wait()?;
        let start = Instant::now();
        let has_ended = end(training, &mut self.student, self.lesson)?;
        wait()?;
        if has_ended {
            self.times.end_seconds.push(start.elapsed().as_secs_f64());
        }
        Ok(self)
    }
}

/// Steps before those that are timed: the first find in the caches what another run has left there.
const WARM_UP: usize = 4;

/// Takes the first steps of an epoch of a lesson, at most all of them. Calls `before_step` with the number of those done.
fn steps(
    training: &Training,
    mut student: Student,
    (lesson, epoch): (usize, usize),
    num_steps: usize,
    before_step: &mut dyn FnMut(usize) -> Result<(), Error>,
) -> Result<Student, Error> {
    let learning_rate = training.run.config.learning_rate;
    let tasks = &training.lessons()[lesson];
    let mut others = training.second_batches(&student, tasks, lesson, epoch);
    let mut batches = training.batches(tasks, lesson, epoch);
    for step in 0..num_steps {
        before_step(step)?;
        let Some(batch) = batches.next() else {
            break;
        };
        let second = others.as_mut().and_then(Iterator::next);
        student = student.step(batch, second, learning_rate);
    }
    Ok(student)
}

/// Ends a lesson. Returns whether it is one task, which has an end.
fn end(training: &Training, student: &mut Student, lesson: usize) -> Result<bool, Error> {
    let Run { config, seed, .. } = *training.run;
    match training.lessons()[lesson].tasks {
        [task] => {
            student.end_task(task, lesson, config, seed, &mut |_| ())?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests;
