use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use si_bench::experiment::Progress;

/// The progress of all runs together, and an estimate of the time left.
///
/// Assumes that all runs of an experiment have the same number of steps.
pub(crate) struct Meter {
    num_jobs: usize,
    num_waiting: usize,
    running: BTreeMap<usize, Run>,
    num_finished: usize,
    /// Sum of the times that the finished runs took.
    finished_time: Duration,
}

struct Run {
    since: Instant,
    progress: Option<Progress>,
}

impl Meter {
    pub(crate) fn new(num_runs: usize, num_jobs: usize) -> Self {
        Self {
            num_jobs,
            num_waiting: num_runs,
            running: BTreeMap::new(),
            num_finished: 0,
            finished_time: Duration::ZERO,
        }
    }

    pub(crate) fn start(&mut self, run: usize, now: Instant) {
        self.num_waiting = self.num_waiting.saturating_sub(1);
        let progress = None;
        self.running.insert(
            run,
            Run {
                since: now,
                progress,
            },
        );
    }

    pub(crate) fn advance(&mut self, run: usize, progress: Progress) {
        if let Some(run) = self.running.get_mut(&run) {
            run.progress = Some(progress);
        }
    }

    /// Ends a run and returns how long it took.
    pub(crate) fn finish(&mut self, run: usize, now: Instant) -> Duration {
        let Some(run) = self.running.remove(&run) else {
            return Duration::ZERO;
        };
        let time = now - run.since;
        self.num_finished += 1;
        self.finished_time += time;
        time
    }

    /// Removes a failed run from the estimate.
    pub(crate) fn fail(&mut self, run: usize) {
        if self.running.remove(&run).is_none() {
            self.num_waiting = self.num_waiting.saturating_sub(1);
        }
    }

    /// Steps per second of an active run.
    pub(crate) fn steps_per_second(&self, run: usize, now: Instant) -> f64 {
        let Some(run) = self.running.get(&run) else {
            return 0.0;
        };
        let seconds = (now - run.since).as_secs_f64();
        match run.progress {
            Some(progress) if seconds > 0.0 => progress.steps_done as f64 / seconds,
            _ => 0.0,
        }
    }

    /// Share of the steps of all runs that are done, in `[0, 1]`.
    pub(crate) fn share_done(&self) -> f64 {
        let num_runs = self.num_finished + self.running.len() + self.num_waiting;
        let done =
            self.num_finished as f64 + self.running.values().map(Run::share_done).sum::<f64>();
        if num_runs == 0 {
            1.0
        } else {
            done / num_runs as f64
        }
    }

    /// Estimated time until the last run ends. `None` before the first progress.
    ///
    /// This simulates the schedule, because the last runs do not keep all jobs busy.
    pub(crate) fn time_left(&self, now: Instant) -> Option<Duration> {
        let time: Duration = self.running.values().map(|run| now - run.since).sum();
        let runs =
            self.num_finished as f64 + self.running.values().map(Run::share_done).sum::<f64>();
        let seconds_per_run = (self.finished_time + time).as_secs_f64() / runs;
        if !seconds_per_run.is_finite() {
            return None;
        }
        let mut jobs: Vec<f64> = self
            .running
            .values()
            .map(|run| (1.0 - run.share_done()) * seconds_per_run)
            .collect();
        jobs.resize(self.num_jobs.max(jobs.len()).max(1), 0.0);
        for _ in 0..self.num_waiting {
            jobs.sort_by(f64::total_cmp);
            jobs[0] += seconds_per_run;
        }
        let seconds = jobs.into_iter().fold(0.0, f64::max);
        Duration::try_from_secs_f64(seconds).ok()
    }
}

impl Run {
    fn share_done(&self) -> f64 {
        match self.progress {
            Some(progress) if progress.steps_total > 0 => {
                progress.steps_done as f64 / progress.steps_total as f64
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_left_is_estimated_before_the_first_step() {
        let now = Instant::now();
        let mut meter = Meter::new(2, 2);
        assert_eq!(meter.time_left(now), None);
        meter.start(0, now);
        assert_eq!(meter.time_left(now + seconds(5)), None);
    }

    #[test]
    fn the_last_runs_leave_jobs_idle() {
        let now = Instant::now();
        let mut meter = Meter::new(3, 2);
        meter.start(0, now);
        meter.start(1, now);
        for run in 0..2 {
            meter.advance(run, half_done());
        }
        // Two halves of 20 s side by side, then one whole run beside an idle job.
        assert_eq!(meter.share_done(), 1.0 / 3.0);
        assert_eq!(meter.time_left(now + seconds(10)), Some(seconds(10 + 20)));

        meter.finish(0, now + seconds(20));
        meter.finish(1, now + seconds(20));
        assert_eq!(meter.time_left(now + seconds(20)), Some(seconds(20)));
    }

    #[test]
    fn a_failed_run_is_not_waited_for() {
        let now = Instant::now();
        let mut meter = Meter::new(2, 1);
        meter.start(0, now);
        meter.finish(0, now + seconds(10));
        meter.start(1, now + seconds(10));
        meter.fail(1);
        assert_eq!(meter.share_done(), 1.0);
        assert_eq!(meter.time_left(now + seconds(11)), Some(seconds(0)));
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn half_done() -> Progress {
        Progress {
            task: 0,
            epoch: 0,
            steps_done: 50,
            steps_total: 100,
            measured: None,
        }
    }
}
