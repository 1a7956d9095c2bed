use std::io::{self, Write};
use std::path::PathBuf;
use std::process;
use std::thread;

use anyhow::Context;
use clap::Args;
use si_bench::experiment::{Run, RunFolder};
use si_bench::in_pool;

use crate::exit::INTERRUPTED;
use crate::jobs::Message;

/// Do one run of a folder; write its progress and its record to stdout as lines of JSON
#[derive(Args, Debug)]
#[command(hide = true)]
pub(crate) struct WorkerArgs {
    /// Run folder
    folder: PathBuf,
    /// Name of the condition
    condition: String,
    /// Seed
    seed: u64,
}

impl WorkerArgs {
    /// The arguments after `worker`, which [`run`] parses.
    pub(crate) fn words(folder: PathBuf, condition: &str, seed: u64) -> [std::ffi::OsString; 4] {
        // After `--`, no name is taken for a flag.
        [
            "--".into(),
            folder.into(),
            condition.into(),
            seed.to_string().into(),
        ]
    }
}

pub(crate) fn run(args: &WorkerArgs) -> anyhow::Result<()> {
    die_with_parent()?;
    in_pool(|| train(args))
}

fn train(args: &WorkerArgs) -> anyhow::Result<()> {
    let folder = RunFolder::open(&args.folder)?;
    let condition = folder
        .config()
        .conditions()
        .into_iter()
        .find(|condition| condition.name == args.condition)
        .with_context(|| {
            format!(
                "{} has no condition {:?}",
                args.folder.display(),
                args.condition
            )
        })?;
    let run = Run {
        config: folder.config(),
        condition: &condition,
        seed: args.seed,
        checkpoints: Some(folder.checkpoints(&condition, args.seed)),
    };
    let record = run.train(&mut |progress| {
        if send(&Message::Progress(progress)).is_err() {
            process::exit(INTERRUPTED.into());
        }
    })?;
    send(&Message::Record(Box::new(record))).context("cannot send the record")
}

fn send(message: &Message) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush()
}

/// Ends this process when the parent has ended for whatever reason: then the pipe at stdin closes.
///
/// Ctrl-C reaches both parent and workers. The worker's exit code tells the parent that this was not a
/// failure.
fn die_with_parent() -> anyhow::Result<()> {
    ctrlc::set_handler(|| process::exit(INTERRUPTED.into()))?;
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        process::exit(INTERRUPTED.into());
    });
    Ok(())
}
