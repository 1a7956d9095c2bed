use std::time::Instant;

use burn::module::Module;
use serde::{Deserialize, Serialize};

use crate::{Error, device};

use super::run::{Run, Training};
use super::tasks::tasks;

/// The estimated cost of a run, from its first steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Training steps of the whole run, with the fewest that the choice of strengths may need.
    pub num_steps: usize,
    /// Time per training step, in seconds.
    pub seconds_per_step: f64,
    /// Share of that time that is spent on the minibatch, not on the model and the optimizer, in `[0, 1]`. On a device
    /// that works asynchronously, only the time to request the minibatch counts.
    pub data_share: f64,
    /// Time of all evaluations together, in seconds.
    pub evaluation_seconds: f64,
    /// Peak memory of the process so far, in bytes. `None` if the system does not report it.
    pub peak_bytes: Option<u64>,
}

impl Probe {
    /// Time of the whole run, in seconds.
    pub fn seconds(&self) -> f64 {
        self.num_steps as f64 * self.seconds_per_step + self.evaluation_seconds
    }
}

impl Run<'_> {
    /// Trains for a few steps and evaluates on one task, to estimate the cost of the run. Keeps
    /// nothing.
    ///
    /// The steps are those in the middle of the run: with some methods the network has grown there, a part of it no longer
    /// learns, or images of earlier tasks are used again. No task is learnt before, so no penalty pulls.
    /// [`ExperimentConfig::time_steps`](super::ExperimentConfig::time_steps) learns one, which takes longer.
    ///
    /// # Errors
    ///
    /// Those of [`train`](Self::train).
    pub fn probe(&self) -> Result<Probe, Error> {
        let device = device(&self.config.device)?.inner();
        let sequence = tasks(self.config, self.seed)?;
        let training = Training::new(self, &sequence, device);
        let mut student = training.new_student(self.condition)?;
        let lessons = training.lessons();
        let num_steps = training.num_steps_at_least(&lessons);

        let (mut num_timed, mut seconds, mut data_seconds) = (0, 0.0, 0.0);
        let middle = lessons.len() / 2;
        let per_epoch = training.num_steps_of_epoch(&lessons[middle]);
        student.begin_lesson_untaught(middle, self.seed);
        // Whatever is frozen in the first epochs learns in the last one.
        student.begin_epoch(middle, self.config.num_epochs - 1);
        let mut batches = training.batches(&lessons[middle], middle, 0);
        let mut others = training.second_batches(&student, &lessons[middle], middle, 0);
        for index in 0.. {
            let start = Instant::now();
            let Some(batch) = batches.next() else {
                break;
            };
            let drawn = start.elapsed().as_secs_f64();
            let second = others.as_mut().and_then(Iterator::next);
            student = student.step(batch, second, self.config.learning_rate);
            // Reading the losses waits for the device.
            student.learner.end_epoch();
            // The last step of an epoch is timed even if it is a warm-up step.
            if index >= WARM_UP || index + 1 == per_epoch {
                num_timed += 1;
                data_seconds += drawn;
                seconds += start.elapsed().as_secs_f64();
            }
            if seconds > PATIENCE {
                break;
            }
        }

        let network = student.learner.valid();
        let first = &training.tasks[0];
        let start = Instant::now();
        first.accuracy(&network, &first.test);
        let seconds_per_image = start.elapsed().as_secs_f64() / first.test.len().max(1) as f64;
        Ok(Probe {
            num_steps,
            seconds_per_step: seconds / f64::from(num_timed.max(1)),
            data_share: data_seconds / seconds.max(f64::MIN_POSITIVE),
            evaluation_seconds: seconds_per_image * training.num_evaluated(&lessons) as f64,
            peak_bytes: peak_bytes(),
        })
    }
}

/// Steps that are not timed: the first ones also allocate memory.
const WARM_UP: usize = 2;
/// Longest time for which steps are timed, in seconds, unless the epoch ends before.
const PATIENCE: f64 = 3.0;

/// The largest resident set of this process, as Linux counts it.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
