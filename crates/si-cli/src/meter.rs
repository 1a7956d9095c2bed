use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use si_bench::experiment::Progress;

/// The progress of all runs together, and an estimate of the time left.
///
/// Assumes that all runs of an experiment have the same number of steps. Where a run first prepares kernels, it counts
/// only from the end of its first step: the later steps do not repeat that.
pub(crate) struct Meter {
    num_jobs: usize,
    prepares_kernels: bool,
    num_waiting: usize,
    running: BTreeMap<usize, Run>,
    num_finished: usize,
    /// Sum of the times that the finished runs took.
    finished_time: Duration,
}

struct Run {
    since: Instant,
    progress: Option<Progress>,
    /// `None` while it prepares kernels.
    counted: Option<Counted>,
}

/// From where on a run counts.
#[derive(Clone, Copy)]
struct Counted {
    since: Instant,
    num_steps_before: usize,
}

impl Meter {
    pub(crate) fn new(num_runs: usize, num_jobs: usize, prepares_kernels: bool) -> Self {
        Self {
            num_jobs,
            prepares_kernels,
            num_waiting: num_runs,
            running: BTreeMap::new(),
            num_finished: 0,
            finished_time: Duration::ZERO,
        }
    }

    pub(crate) fn start(&mut self, run: usize, now: Instant) {
        self.num_waiting = self.num_waiting.saturating_sub(1);
        let counted = Counted {
            since: now,
            num_steps_before: 0,
        };
        self.running.insert(
            run,
            Run {
                since: now,
                progress: None,
                counted: (!self.prepares_kernels).then_some(counted),
            },
        );
    }

    pub(crate) fn advance(&mut self, run: usize, progress: Progress, now: Instant) {
        let Some(run) = self.running.get_mut(&run) else {
            return;
        };
        let num_steps_before = progress.steps_done;
        // A run that is resumed begins with the steps of its checkpoint.
        let has_stepped = run
            .progress
            .is_some_and(|before| before.steps_done < num_steps_before);
        run.progress = Some(progress);
        if run.counted.is_none() && has_stepped {
            run.counted = Some(Counted {
                since: now,
                num_steps_before,
            });
        }
    }

    /// Whether a run has not done its first step yet, and its kernels are compiled for that.
    pub(crate) fn is_preparing(&self, run: usize) -> bool {
        let run = self.running.get(&run);
        run.is_some_and(|run| run.counted.is_none())
    }

    /// Ends a run and returns how long it took.
    pub(crate) fn finish(&mut self, run: usize, now: Instant) -> Duration {
        let Some(run) = self.running.remove(&run) else {
            return Duration::ZERO;
        };
        self.num_finished += 1;
        self.finished_time += run.counted_time(now);
        now - run.since
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
        let seconds = run.counted_time(now).as_secs_f64();
        match (run.progress, run.counted) {
            (Some(progress), Some(counted)) if seconds > 0.0 => {
                progress.steps_done.saturating_sub(counted.num_steps_before) as f64 / seconds
            }
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
        let time: Duration = self.running.values().map(|run| run.counted_time(now)).sum();
        let runs =
            self.num_finished as f64 + self.running.values().map(Run::counted_share).sum::<f64>();
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
        self.share_after(0)
    }

    /// The share of the steps that have been done in the counted time.
    fn counted_share(&self) -> f64 {
        self.counted
            .map_or(0.0, |counted| self.share_after(counted.num_steps_before))
    }

    fn counted_time(&self, now: Instant) -> Duration {
        self.counted
            .map_or(Duration::ZERO, |counted| now - counted.since)
    }

    fn share_after(&self, num_steps: usize) -> f64 {
        match self.progress {
            Some(progress) if progress.steps_total > 0 => {
                progress.steps_done.saturating_sub(num_steps) as f64 / progress.steps_total as f64
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
        let mut meter = Meter::new(2, 2, false);
        assert_eq!(meter.time_left(now), None);
        meter.start(0, now);
        assert_eq!(meter.time_left(now + seconds(5)), None);
    }

    #[test]
    fn the_last_runs_leave_jobs_idle() {
        let now = Instant::now();
        let mut meter = Meter::new(3, 2, false);
        meter.start(0, now);
        meter.start(1, now);
        for run in 0..2 {
            meter.advance(run, after(50), now);
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
        let mut meter = Meter::new(2, 1, false);
        meter.start(0, now);
        meter.finish(0, now + seconds(10));
        meter.start(1, now + seconds(10));
        meter.fail(1);
        assert_eq!(meter.share_done(), 1.0);
        assert_eq!(meter.time_left(now + seconds(11)), Some(seconds(0)));
    }

    #[test]
    fn a_run_prepares_kernels_until_its_first_step_is_done_and_that_time_is_not_counted() {
        let now = Instant::now();
        let mut meter = Meter::new(2, 1, true);
        meter.start(0, now);
        meter.advance(0, after(0), now + seconds(20));
        assert!(meter.is_preparing(0));
        meter.advance(0, after(1), now + seconds(60));
        assert!(!meter.is_preparing(0));
        assert_eq!(meter.time_left(now + seconds(60)), None);

        meter.advance(0, after(51), now + seconds(70));
        assert_eq!(meter.steps_per_second(0, now + seconds(70)), 5.0);
        // 49 steps of this run and 100 of the next one.
        let left = meter.time_left(now + seconds(70)).expect("half is done");
        assert!((left.as_secs_f64() - 149.0 / 5.0).abs() < 1e-6, "{left:?}");
        assert_eq!(meter.finish(0, now + seconds(80)), seconds(80));
        assert_eq!(meter.time_left(now + seconds(80)), Some(seconds(20)));
    }

    #[test]
    fn a_resumed_run_prepares_kernels_until_its_first_new_step_is_done() {
        let now = Instant::now();
        let mut meter = Meter::new(1, 1, true);
        meter.start(0, now);
        meter.advance(0, after(40), now);
        assert!(meter.is_preparing(0));
        meter.advance(0, after(41), now + seconds(30));
        assert!(!meter.is_preparing(0));
        meter.advance(0, after(61), now + seconds(40));
        assert_eq!(meter.steps_per_second(0, now + seconds(40)), 2.0);
    }

    #[test]
    fn a_run_without_kernels_prepares_none() {
        let now = Instant::now();
        let mut meter = Meter::new(1, 1, false);
        meter.start(0, now);
        assert!(!meter.is_preparing(0));
        meter.advance(0, after(0), now);
        assert!(!meter.is_preparing(0));
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn after(steps_done: usize) -> Progress {
        Progress {
            task: 0,
            epoch: 0,
            steps_done,
            steps_total: 100,
            measured: None,
        }
    }
}
