use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use si_bench::experiment::ExperimentConfig;

use crate::jobs::{Event, Job};
use crate::meter::Meter;
use crate::output;

/// Shows the progress of the runs on stderr: as bars on a terminal, otherwise as a line at each tenth.
pub(crate) struct Display<'a> {
    jobs: &'a [Job],
    /// Runs of all jobs.
    num_runs: usize,
    num_epochs: usize,
    /// Finished runs in the folder when it was opened.
    num_before: usize,
    num_finished: usize,
    meter: Meter,
    /// Whether the number of steps is known before. It is not if attempts decide on the strength.
    knows_steps: bool,
    /// `None` if stderr is not a terminal.
    bars: Option<Bars>,
    tenths_shown: usize,
}

struct Bars {
    all: MultiProgress,
    whole: ProgressBar,
    workers: BTreeMap<usize, ProgressBar>,
}

/// What a run does on a graphics card until its first step is done.
const PREPARING: &str = "preparing kernels";

impl<'a> Display<'a> {
    pub(crate) fn new(
        config: &ExperimentConfig,
        jobs: &'a [Job],
        num_before: usize,
        num_jobs: usize,
    ) -> Self {
        let sizes: Vec<usize> = jobs.iter().map(Job::num_runs).collect();
        let mut display = Self {
            jobs,
            num_runs: sizes.iter().sum(),
            num_epochs: config.num_epochs,
            num_before,
            num_finished: 0,
            meter: Meter::new(sizes, num_jobs, config.prepares_kernels()),
            knows_steps: config.choose_strength.is_fixed(),
            bars: std::io::stderr()
                .is_terminal()
                .then(|| Bars::new(config.experiment.name())),
            tenths_shown: 0,
        };
        display.tenths_shown = display.tenths_done();
        display.redraw(Instant::now());
        display
    }

    /// Shows what happened to a job.
    pub(crate) fn show(&mut self, index: usize, event: &Event) {
        let now = Instant::now();
        let job = &self.jobs[index];
        match event {
            Event::Started => {
                self.meter.start(index, now);
                let is_preparing = self.meter.is_preparing(index);
                let doing = if is_preparing { PREPARING } else { "starting" };
                match &mut self.bars {
                    Some(bars) => bars.add(index, format!("{job}: {doing}")),
                    None if is_preparing && self.num_finished == 0 => {
                        self.print(&format!("{job}: {doing}"));
                    }
                    None => {}
                }
            }
            Event::Advanced(progress) => {
                self.meter.advance(index, *progress, now);
                if let Some(bars) = &self.bars
                    && !self.meter.is_preparing(index)
                {
                    let task = progress.task + 1;
                    let doing = match progress.measured {
                        Some(measured) => format!(
                            "importance from {} of {} images",
                            measured.num_done, measured.num_images
                        ),
                        None => format!(
                            "epoch {} of {}, {:.0} steps/s",
                            progress.epoch + 1,
                            self.num_epochs,
                            self.meter.steps_per_second(index, now)
                        ),
                    };
                    bars.update(index, format!("{job}: task {task}, {doing}"));
                }
                self.show_tenths(now);
            }
            Event::Finished { warnings, .. } => {
                let time = self.meter.finish(index, now);
                self.num_finished += job.num_runs();
                self.remove(index);
                self.print(&format!("{}{job}: done in {}", self.prefix(), clock(time)));
                for warning in warnings.lines() {
                    self.print(&format!("{job}: {warning}"));
                }
            }
            Event::Failed(error) => {
                self.meter.fail(index);
                self.remove(index);
                self.print(&format!("{}{job}: failed: {error}", self.prefix()));
            }
        }
        self.redraw(now);
    }

    /// Removes the bars, so that later output starts on a clean screen.
    pub(crate) fn end(self) {
        if let Some(bars) = self.bars {
            bars.whole.finish_and_clear();
            for worker in bars.workers.values() {
                worker.finish_and_clear();
            }
        }
    }

    fn redraw(&self, now: Instant) {
        if let Some(bars) = &self.bars {
            bars.whole.set_position((self.share_done() * 1000.0) as u64);
            bars.whole.set_message(self.whole(now));
        }
    }

    /// If there are no bars, prints a line after each tenth of the steps.
    fn show_tenths(&mut self, now: Instant) {
        let tenths = self.tenths_done();
        if self.bars.is_none() && tenths > self.tenths_shown {
            self.tenths_shown = tenths;
            output::note(self.whole(now));
        }
    }

    fn tenths_done(&self) -> usize {
        (self.share_done() * 10.0) as usize
    }

    fn whole(&self, now: Instant) -> String {
        let left = match self.meter.time_left(now) {
            _ if !self.knows_steps => "the rest depends on the strengths",
            Some(left) => &format!("about {} left", clock(left)),
            None => "estimating the time left",
        };
        format!(
            "{} of {} runs done, {:.0} % of the steps, {left}",
            self.num_before + self.num_finished,
            self.num_before + self.num_runs,
            100.0 * self.share_done()
        )
    }

    /// Share of all runs that is done, including those done before resuming.
    fn share_done(&self) -> f64 {
        let (before, now) = (self.num_before as f64, self.num_runs as f64);
        if before + now > 0.0 {
            (before + now * self.meter.share_done()) / (before + now)
        } else {
            1.0
        }
    }

    /// The count of runs. Empty on a terminal, where a bar shows it.
    fn prefix(&self) -> String {
        if self.bars.is_some() {
            return String::new();
        }
        format!(
            "[{}/{}] ",
            self.num_before + self.num_finished,
            self.num_before + self.num_runs
        )
    }

    fn print(&self, line: &str) {
        match &self.bars {
            Some(bars) => bars.all.suspend(|| output::note(line)),
            None => output::note(line),
        }
    }

    fn remove(&mut self, index: usize) {
        if let Some(bars) = &mut self.bars
            && let Some(worker) = bars.workers.remove(&index)
        {
            bars.all.remove(&worker);
        }
    }
}

impl Bars {
    fn new(name: &'static str) -> Self {
        let all = MultiProgress::new();
        let whole = all.add(ProgressBar::new(1000));
        whole.set_style(style("{prefix} [{bar:24}] {msg}").progress_chars("=> "));
        whole.set_prefix(name);
        Self {
            all,
            whole,
            workers: BTreeMap::new(),
        }
    }

    fn add(&mut self, index: usize, message: String) {
        let worker = self.all.add(ProgressBar::no_length());
        worker.set_style(style("  {msg}"));
        worker.set_message(message);
        self.workers.insert(index, worker);
    }

    fn update(&self, index: usize, message: String) {
        if let Some(worker) = self.workers.get(&index) {
            worker.set_message(message);
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates of this file are valid")
}

/// `7 s`, `2:05 min` or `1:02:05 h`.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = (time.as_secs_f64().round()) as u64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes}:{:02} min", seconds % 60),
        _ => format!("{hours}:{minutes:02}:{:02} h", seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (seconds, expected) in [
            (0.4, "0 s"),
            (59.4, "59 s"),
            (59.6, "1:00 min"),
            (125.0, "2:05 min"),
            (3725.0, "1:02:05 h"),
        ] {
            assert_eq!(clock(Duration::from_secs_f64(seconds)), expected);
        }
    }
}
