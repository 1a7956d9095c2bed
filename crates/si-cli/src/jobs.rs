use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::mem;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde::{Deserialize, Serialize};
use si_bench::experiment::{Progress, RunRecord};

use crate::exit::{INTERRUPTED, PREFIX};
pub(crate) use job::{Job, Request};

mod job;

/// A line of JSON on a worker's stdout. The records of all runs of a job are its last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Message {
    Progress(Progress),
    Warning(String),
    Records(Vec<RunRecord>),
}

/// What every line with records has, even if it is damaged.
const RECORDS: &str = "{\"records\":";

/// What happens to a job, in this order: it starts, advances, then finishes or fails.
#[derive(Debug)]
pub(crate) enum Event {
    Started,
    Advanced(Progress),
    Finished {
        /// Of its runs, in their order.
        records: Vec<RunRecord>,
        /// What the worker logged in this job.
        warnings: String,
    },
    /// What went wrong, then what the worker logged in this job.
    Failed(String),
}

/// How [`Pool::run_all`] ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done {
        /// Runs of jobs that failed.
        num_failed: usize,
    },
    Interrupted,
}

/// Runs jobs in processes, a limited number at the same time.
///
/// A worker's stdin is a pipe. When this process dies, the pipe closes, and the worker notices.
pub(crate) struct Pool {
    limit: usize,
    /// Whether a process that has done a job does the next one.
    reuses_processes: bool,
    sender: Sender<Signal>,
    receiver: Receiver<Signal>,
    /// One entry per process that was started, until it has ended.
    workers: Vec<Option<Worker>>,
}

struct Worker {
    process: Child,
    /// The index of its job. `None` if it did not take another one.
    job: Option<usize>,
    /// The job's records, once it has sent them.
    records: Option<Vec<RunRecord>>,
    warnings: Vec<String>,
}

/// What a process says. The number is its index in [`Pool::workers`].
enum Signal {
    /// A line on its stdout.
    Line(usize, String),
    /// The end of its stdout, with everything that it wrote to stderr.
    Closed(usize, String),
    Interrupt,
}

impl Pool {
    /// A pool of at most `limit` processes at the same time. Each does one job, or with `reuses_processes` one after the
    /// other until it fails.
    pub(crate) fn new(limit: usize, reuses_processes: bool) -> Self {
        let (sender, receiver) = channel();
        Self {
            limit,
            reuses_processes,
            sender,
            receiver,
            workers: Vec::new(),
        }
    }

    /// A function that stops [`run_all`](Self::run_all). It returns whether the pool received the signal.
    pub(crate) fn interrupter(&self) -> impl Fn() -> bool + Send + 'static {
        let sender = self.sender.clone();
        move || sender.send(Signal::Interrupt).is_ok()
    }

    /// Runs all `jobs`. `command` starts a process with its first job. Reports what happens to each job to `observe`,
    /// with the job's index. If a job fails, the others still run. An interrupt or an error of `observe` ends all
    /// processes.
    pub(crate) fn run_all(
        mut self,
        jobs: &[Job],
        command: impl Fn(&Job) -> Command,
        mut observe: impl FnMut(usize, Event) -> anyhow::Result<()>,
    ) -> anyhow::Result<Outcome> {
        let (mut num_running, mut num_failed) = (0, 0);
        let mut waiting: VecDeque<usize> = (0..jobs.len()).collect();
        loop {
            while num_running < self.limit {
                let Some(job) = waiting.pop_front() else {
                    break;
                };
                match self.spawn(job, command(&jobs[job])) {
                    Ok(()) => {
                        num_running += 1;
                        observe(job, Event::Started)?;
                    }
                    Err(error) => {
                        num_failed += jobs[job].num_runs();
                        observe(
                            job,
                            Event::Failed(format!("cannot start the process: {error}")),
                        )?;
                    }
                }
            }
            if num_running == 0 {
                return Ok(Outcome::Done { num_failed });
            }
            match self.receiver.recv()? {
                Signal::Interrupt => return Ok(Outcome::Interrupted),
                Signal::Line(index, line) => {
                    let Some(worker) = &mut self.workers[index] else {
                        continue;
                    };
                    let Some(job) = worker.job else {
                        continue;
                    };
                    match Worker::read(&line) {
                        Some(Message::Progress(progress)) => {
                            observe(job, Event::Advanced(progress))?;
                        }
                        Some(Message::Warning(text)) => worker.warnings.push(text),
                        Some(Message::Records(records)) if jobs[job].has(&records) => {
                            worker.records = Some(records);
                            let next = waiting.front().filter(|_| self.reuses_processes);
                            let Some(&next) = next else {
                                worker.dismiss();
                                continue;
                            };
                            if let Some(finished) = worker.finish() {
                                observe(job, finished)?;
                            }
                            // If it cannot take the next job, it has ended, and another process does that.
                            if worker.go_on_with(next, &jobs[next]).is_ok() {
                                waiting.pop_front();
                                observe(next, Event::Started)?;
                            }
                        }
                        // It waits for the next job, and this one cannot be finished.
                        Some(Message::Records(_)) => {
                            worker.give_up("it sent records of other runs")
                        }
                        None if line.contains(RECORDS) => {
                            worker.give_up("its records cannot be read");
                        }
                        None => {}
                    }
                }
                Signal::Closed(index, stderr) => {
                    let Some(mut worker) = self.workers[index].take() else {
                        continue;
                    };
                    let status = worker.process.wait()?;
                    if status.code() == Some(INTERRUPTED.into()) {
                        return Ok(Outcome::Interrupted);
                    }
                    num_running -= 1;
                    let Some(job) = worker.job else {
                        continue;
                    };
                    let event = worker.end(status, stderr);
                    if matches!(event, Event::Failed(_)) {
                        num_failed += jobs[job].num_runs();
                    }
                    observe(job, event)?;
                }
            }
        }
    }

    fn spawn(&mut self, job: usize, mut command: Command) -> io::Result<()> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().expect("stdout is a pipe");
        let stderr = process.stderr.take().expect("stderr is a pipe");
        let index = self.workers.len();
        self.workers.push(Some(Worker {
            process,
            job: Some(job),
            records: None,
            warnings: Vec::new(),
        }));
        let sender = self.sender.clone();
        thread::spawn(move || {
            // Reads both at the same time: a worker blocks on a full pipe that nobody reads.
            let stderr = thread::spawn(move || text(stderr));
            // Sending fails only after the pool is dropped, and then nobody needs the rest.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(Signal::Line(index, line));
            }
            let stderr = stderr.join().unwrap_or_default();
            let _ = sender.send(Signal::Closed(index, stderr));
        });
        Ok(())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for worker in self.workers.iter_mut().flatten() {
            // It may have ended already, which is fine.
            let _ = worker.process.kill();
            let _ = worker.process.wait();
        }
    }
}

impl Worker {
    fn read(line: &str) -> Option<Message> {
        let message = serde_json::from_str(line);
        message
            .inspect_err(|error| log::warn!("a worker wrote {line:?}: {error}"))
            .ok()
    }

    /// Takes the records and the warnings of the job that is done.
    fn finish(&mut self) -> Option<Event> {
        self.job = None;
        let warnings = mem::take(&mut self.warnings).join("\n");
        self.records
            .take()
            .map(|records| Event::Finished { records, warnings })
    }

    fn go_on_with(&mut self, index: usize, job: &Job) -> io::Result<()> {
        let line = job.request().to_line()? + "\n";
        let stdin = self.process.stdin.as_mut();
        stdin
            .ok_or(io::ErrorKind::BrokenPipe)?
            .write_all(line.as_bytes())?;
        self.job = Some(index);
        Ok(())
    }

    /// Closes its stdin, so that it ends after its last job.
    fn dismiss(&mut self) {
        self.process.stdin = None;
    }

    /// Ends the process after records that are of no use, so that its job has failed.
    fn give_up(&mut self, reason: &str) {
        self.records = None;
        self.warnings.push(reason.to_string());
        // It may have ended already, which is fine.
        let _ = self.process.kill();
    }

    fn end(mut self, status: ExitStatus, stderr: String) -> Event {
        if status.success()
            && let Some(records) = self.records.take()
        {
            self.warnings
                .extend(Some(stderr).filter(|it| !it.is_empty()));
            let warnings = self.warnings.join("\n");
            return Event::Finished { records, warnings };
        }
        let error = match stderr.strip_prefix(PREFIX).unwrap_or(&stderr) {
            "" => format!("the process ended without a result ({status})"),
            error => error.to_string(),
        };
        // What went wrong comes first: it stands on the line that says which job failed.
        self.warnings.insert(0, error);
        Event::Failed(self.warnings.join("\n"))
    }
}

fn text(mut stream: impl Read) -> String {
    let mut bytes = Vec::new();
    // If reading fails, the bytes so far are still worth showing.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).trim().to_string()
}

#[cfg(all(test, unix))]
mod tests;
