use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use anyhow::Context;
use clap::Args;
use si_bench::experiment::{Progress, Run, RunFolder, RunRecord, StackedRuns};
use si_bench::in_pool;

use crate::exit::INTERRUPTED;
use crate::jobs::{Job, Message, Request};

/// Do runs of a folder, those that stdin asks for after the first; write their progress and records to stdout as
/// lines of JSON
#[derive(Args, Debug)]
#[command(hide = true)]
pub(crate) struct WorkerArgs {
    /// Run folder
    folder: PathBuf,
    /// The first runs, which are done at once, as JSON: {"runs": [[CONDITION, SEED], ...]}
    request: Request,
}

impl WorkerArgs {
    /// The arguments after `worker`, which [`run`] parses.
    pub(crate) fn words(folder: PathBuf, job: &Job) -> [OsString; 3] {
        let request = job.request().to_line();
        let request = request.expect("names and numbers are valid JSON");
        // After `--`, no path is taken for a flag.
        ["--".into(), folder.into(), request.into()]
    }
}

pub(crate) fn run(args: &WorkerArgs) -> anyhow::Result<()> {
    let parent = Parent::listen()?;
    let mut next = Some(args.request.clone());
    while let Some(request) = next {
        let records = in_pool(|| train(&args.folder, &request))?;
        parent.stop_waiting();
        send(&Message::Records(records)).context("cannot send the records")?;
        next = parent.next_request()?;
    }
    Ok(())
}

fn train(folder: &Path, request: &Request) -> anyhow::Result<Vec<RunRecord>> {
    let folder = RunFolder::open(folder)?;
    let runs = request.runs_in(&folder)?;
    folder.note_stack(&runs)?;
    let config = folder.config();
    let checkpoints = Some(folder.checkpoints_of(&runs));
    let observe = &mut |progress: Progress| {
        if send(&Message::Progress(progress)).is_err() {
            process::exit(INTERRUPTED.into());
        }
    };
    if let [(condition, seed)] = &runs[..] {
        let run = Run {
            config,
            condition,
            seed: *seed,
            checkpoints,
        };
        return Ok(vec![run.train(observe)?]);
    }
    let stack = StackedRuns {
        config,
        runs: &runs,
        checkpoints,
    };
    Ok(stack.train(observe)?)
}

/// Sends a line of the log.
pub(crate) fn warn(line: &str) -> io::Result<()> {
    send(&Message::Warning(line.to_string()))
}

fn send(message: &Message) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush()
}

/// The parent, which writes further requests to stdin.
struct Parent {
    requests: Receiver<String>,
    /// Requests that the parent waits for.
    num_awaited: Arc<AtomicUsize>,
}

impl Parent {
    /// Ends this process when the parent has ended for whatever reason while it waits for runs: then the pipe at stdin
    /// closes.
    ///
    /// Ctrl-C reaches both parent and workers. The worker's exit code tells the parent that this was not a failure.
    fn listen() -> anyhow::Result<Self> {
        ctrlc::set_handler(|| process::exit(INTERRUPTED.into()))?;
        let (sender, requests) = channel();
        let num_awaited = Arc::new(AtomicUsize::new(1));
        let parent = Self {
            requests,
            num_awaited: num_awaited.clone(),
        };
        thread::spawn(move || {
            for line in io::stdin().lines().map_while(Result::ok) {
                num_awaited.fetch_add(1, Ordering::SeqCst);
                // Receiving ends only with this process.
                let _ = sender.send(line);
            }
            if num_awaited.load(Ordering::SeqCst) > 0 {
                process::exit(INTERRUPTED.into());
            }
        });
        Ok(parent)
    }

    /// Must come before the records are sent, because then the parent may close the pipe.
    fn stop_waiting(&self) {
        self.num_awaited.fetch_sub(1, Ordering::SeqCst);
    }

    /// Waits for the next request. `None` if the parent has closed the pipe.
    fn next_request(&self) -> anyhow::Result<Option<Request>> {
        let line = self.requests.recv().ok();
        let request = line.map(|line| {
            let request = line.parse();
            request.with_context(|| format!("cannot read the request {line:?}"))
        });
        request.transpose()
    }
}
