use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde::{Deserialize, Serialize};
use si_bench::experiment::{Condition, Progress, RunRecord};

use crate::exit::{INTERRUPTED, PREFIX};

/// One run, which is done in a separate process.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) condition: Condition,
    pub(crate) seed: u64,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, seed {}", self.condition.name, self.seed)
    }
}

/// A line of JSON on a worker's stdout. The record is the last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Message {
    Progress(Progress),
    Record(Box<RunRecord>),
}

/// What happens to a job, in this order: it starts, advances, then finishes or fails.
#[derive(Debug)]
pub(crate) enum Event {
    Started,
    Advanced(Progress),
    Finished {
        record: Box<RunRecord>,
        /// What the worker wrote to stderr.
        warnings: String,
    },
    Failed(String),
}

/// How [`Pool::run_all`] ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done { num_failed: usize },
    Interrupted,
}

/// Runs jobs in processes, a limited number at the same time.
///
/// A worker's stdin is a pipe to which nothing is written. When this process dies, the pipe closes,
/// and the worker notices.
pub(crate) struct Pool {
    sender: Sender<Signal>,
    receiver: Receiver<Signal>,
    /// One entry per job: its process while it runs, and the record that it sent.
    workers: Vec<Option<Worker>>,
}

struct Worker {
    process: Child,
    record: Option<Box<RunRecord>>,
}

enum Signal {
    /// A line on the stdout of a job's worker.
    Line(usize, String),
    /// The end of a worker's stdout, with everything that it wrote to stderr.
    Closed(usize, String),
    Interrupt,
}

impl Pool {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = channel();
        Self {
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

    /// Runs all `jobs`, at most `limit` at the same time. Reports what happens to each job to `observe`,
    /// with the job's index. If a job fails, the others still run. An interrupt or an error of `observe`
    /// ends all processes.
    pub(crate) fn run_all(
        mut self,
        jobs: &[Job],
        limit: usize,
        command: impl Fn(&Job) -> Command,
        mut observe: impl FnMut(usize, Event) -> anyhow::Result<()>,
    ) -> anyhow::Result<Outcome> {
        let (mut num_running, mut num_failed) = (0, 0);
        self.workers = jobs.iter().map(|_| None).collect();
        let mut waiting = jobs.iter().enumerate();
        loop {
            while num_running < limit {
                let Some((index, job)) = waiting.next() else {
                    break;
                };
                match self.spawn(index, command(job)) {
                    Ok(()) => {
                        num_running += 1;
                        observe(index, Event::Started)?;
                    }
                    Err(error) => {
                        num_failed += 1;
                        observe(
                            index,
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
                    if let Some(progress) = self.read(index, &line) {
                        observe(index, Event::Advanced(progress))?;
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
                    let event = worker.end(status, stderr);
                    if matches!(event, Event::Failed(_)) {
                        num_failed += 1;
                    }
                    observe(index, event)?;
                }
            }
        }
    }

    fn spawn(&mut self, index: usize, mut command: Command) -> std::io::Result<()> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().expect("stdout is a pipe");
        let stderr = process.stderr.take().expect("stderr is a pipe");
        self.workers[index] = Some(Worker {
            process,
            record: None,
        });
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

    /// Reads a worker's line. Stores a record; returns progress.
    fn read(&mut self, index: usize, line: &str) -> Option<Progress> {
        match serde_json::from_str(line) {
            Ok(Message::Progress(progress)) => Some(progress),
            Ok(Message::Record(record)) => {
                if let Some(worker) = &mut self.workers[index] {
                    worker.record = Some(record);
                }
                None
            }
            Err(error) => {
                log::warn!("a worker wrote {line:?}: {error}");
                None
            }
        }
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
    fn end(self, status: ExitStatus, stderr: String) -> Event {
        match self.record {
            Some(record) if status.success() => Event::Finished {
                record,
                warnings: stderr,
            },
            _ if !stderr.is_empty() => {
                let error = stderr.strip_prefix(PREFIX).unwrap_or(&stderr);
                Event::Failed(error.to_string())
            }
            _ => Event::Failed(format!("the process ended without a result ({status})")),
        }
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
