use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use si_bench::experiment::Progress;

/// The progress of all runs together, and an estimate of the time left.
///
/// Assumes that all runs of an experiment have the same number of steps, and that a stack takes longer the more runs it has.
/// Where a job first prepares kernels, it counts only from the end of its first step: the later steps do not repeat that.
pub(crate) struct Meter {
    /// Jobs at the same time.
    num_jobs: usize,
    prepares_kernels: bool,
    /// Number of runs of each job.
    sizes: Vec<usize>,
    /// Indices of the jobs that have not begun.
    waiting: BTreeSet<usize>,
    running: BTreeMap<usize, Running>,
    /// Runs of the finished jobs.
    num_finished: usize,
    /// Sum of the times that the finished jobs took.
    finished_time: Duration,
}

struct Running {
    num_runs: usize,
    since: Instant,
    progress: Option<Progress>,
    /// `None` while it prepares kernels.
    counted: Option<Counted>,
}

/// From where on a job counts.
#[derive(Clone, Copy)]
struct Counted {
    since: Instant,
    num_steps_before: usize,
}

impl Meter {
    /// `sizes` has the number of runs of each job.
    pub(crate) fn new(sizes: Vec<usize>, num_jobs: usize, prepares_kernels: bool) -> Self {
        Self {
            num_jobs,
            prepares_kernels,
            waiting: (0..sizes.len()).collect(),
            sizes,
            running: BTreeMap::new(),
            num_finished: 0,
            finished_time: Duration::ZERO,
        }
    }

    pub(crate) fn start(&mut self, job: usize, now: Instant) {
        self.waiting.remove(&job);
        let counted = Counted {
            since: now,
            num_steps_before: 0,
        };
        self.running.insert(
            job,
            Running {
                num_runs: self.sizes[job],
                since: now,
                progress: None,
                counted: (!self.prepares_kernels).then_some(counted),
            },
        );
    }

    pub(crate) fn advance(&mut self, job: usize, progress: Progress, now: Instant) {
        let Some(job) = self.running.get_mut(&job) else {
            return;
        };
        let num_steps_before = progress.steps_done;
        // A job that is resumed begins with the steps of its checkpoint.
        let has_stepped = job
            .progress
            .is_some_and(|before| before.steps_done < num_steps_before);
        job.progress = Some(progress);
        if job.counted.is_none() && has_stepped {
            job.counted = Some(Counted {
                since: now,
                num_steps_before,
            });
        }
    }

    /// Whether a job has not done its first step yet, and its kernels are compiled for that.
    pub(crate) fn is_preparing(&self, job: usize) -> bool {
        let job = self.running.get(&job);
        job.is_some_and(|job| job.counted.is_none())
    }

    /// Ends a job and returns how long it took.
    pub(crate) fn finish(&mut self, job: usize, now: Instant) -> Duration {
        let Some(job) = self.running.remove(&job) else {
            return Duration::ZERO;
        };
        self.num_finished += job.num_runs;
        self.finished_time += job.counted_time(now);
        now - job.since
    }

    /// Removes a failed job from the estimate.
    pub(crate) fn fail(&mut self, job: usize) {
        self.running.remove(&job);
        self.waiting.remove(&job);
    }

    /// Steps per second of an active job. A step of a stack counts once.
    pub(crate) fn steps_per_second(&self, job: usize, now: Instant) -> f64 {
        let Some(job) = self.running.get(&job) else {
            return 0.0;
        };
        let seconds = job.counted_time(now).as_secs_f64();
        match (job.progress, job.counted) {
            (Some(progress), Some(counted)) if seconds > 0.0 => {
                progress.steps_done.saturating_sub(counted.num_steps_before) as f64 / seconds
            }
            _ => 0.0,
        }
    }

    /// Share of the steps of all runs that are done, in `[0, 1]`.
    pub(crate) fn share_done(&self) -> f64 {
        let running = || self.running.values();
        let waiting = self.waiting.iter().map(|job| self.sizes[*job]);
        let num_runs = self.num_finished
            + running().map(|job| job.num_runs).sum::<usize>()
            + waiting.sum::<usize>();
        let done = self.num_finished as f64 + running().map(Running::runs_done).sum::<f64>();
        if num_runs == 0 {
            1.0
        } else {
            done / num_runs as f64
        }
    }

    /// Estimated time until the last job ends. `None` before the first progress.
    ///
    /// This simulates the schedule, because the last jobs do not keep all processes busy.
    pub(crate) fn time_left(&self, now: Instant) -> Option<Duration> {
        let running = || self.running.values();
        let time: Duration = running().map(|job| job.counted_time(now)).sum();
        let runs = self.num_finished as f64 + running().map(Running::counted_runs).sum::<f64>();
        let seconds_per_run = (self.finished_time + time).as_secs_f64() / runs;
        if !seconds_per_run.is_finite() {
            return None;
        }
        let left = |job: &Running| job.num_runs as f64 - job.runs_done();
        let mut busy: Vec<f64> = running().map(|job| left(job) * seconds_per_run).collect();
        busy.resize(self.num_jobs.max(busy.len()).max(1), 0.0);
        for job in &self.waiting {
            busy.sort_by(f64::total_cmp);
            busy[0] += self.sizes[*job] as f64 * seconds_per_run;
        }
        let seconds = busy.into_iter().fold(0.0, f64::max);
        Duration::try_from_secs_f64(seconds).ok()
    }
}

impl Running {
    /// How much of its runs is done, in runs.
    fn runs_done(&self) -> f64 {
        self.runs_after(0)
    }

    /// How much of its runs has been done in the counted time, in runs.
    fn counted_runs(&self) -> f64 {
        self.counted
            .map_or(0.0, |counted| self.runs_after(counted.num_steps_before))
    }

    fn counted_time(&self, now: Instant) -> Duration {
        self.counted
            .map_or(Duration::ZERO, |counted| now - counted.since)
    }

    fn runs_after(&self, num_steps: usize) -> f64 {
        match self.progress {
            Some(progress) if progress.steps_total > 0 => {
                let steps_done = progress.steps_done.saturating_sub(num_steps);
                self.num_runs as f64 * steps_done as f64 / progress.steps_total as f64
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
        let mut meter = Meter::new(vec![1; 2], 2, false);
        assert_eq!(meter.time_left(now), None);
        meter.start(0, now);
        assert_eq!(meter.time_left(now + seconds(5)), None);
    }

    #[test]
    fn the_last_runs_leave_jobs_idle() {
        let now = Instant::now();
        let mut meter = Meter::new(vec![1; 3], 2, false);
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
    fn a_stack_counts_as_its_runs() {
        let now = Instant::now();
        let mut meter = Meter::new(vec![4, 4, 2], 1, false);
        meter.start(0, now);
        meter.advance(0, after(50), now);
        assert_eq!(meter.share_done(), 0.2);
        // 2 runs in 10 s, so 5 s for each of the other 8.
        assert_eq!(meter.time_left(now + seconds(10)), Some(seconds(40)));

        meter.finish(0, now + seconds(20));
        assert_eq!(meter.share_done(), 0.4);
        meter.start(1, now + seconds(20));
        meter.fail(1);
        assert_eq!(meter.share_done(), 4.0 / 6.0);
        assert_eq!(meter.time_left(now + seconds(25)), Some(seconds(10)));
        meter.fail(2);
        assert_eq!(meter.share_done(), 1.0);
    }

    #[test]
    fn a_failed_run_is_not_waited_for() {
        let now = Instant::now();
        let mut meter = Meter::new(vec![1; 2], 1, false);
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
        let mut meter = Meter::new(vec![1; 2], 1, true);
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
        let mut meter = Meter::new(vec![1; 1], 1, true);
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
        let mut meter = Meter::new(vec![1; 1], 1, false);
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
