//! PyTorch in a process of its own, which does one step at a time.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::learners::Case;

/// The learners of `peer.py`.
#[derive(Clone, Copy)]
pub(crate) enum PeerLearner {
    Plain,
    Fast,
    Naive,
}

impl PeerLearner {
    pub(crate) const ALL: [PeerLearner; 3] =
        [PeerLearner::Plain, PeerLearner::Fast, PeerLearner::Naive];

    fn name(self) -> &'static str {
        match self {
            PeerLearner::Plain => "plain",
            PeerLearner::Fast => "fast",
            PeerLearner::Naive => "naive",
        }
    }
}

pub(crate) struct Peer {
    /// PyTorch's.
    pub(crate) version: String,
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// None without `SI_BENCH_PEER`.
    pub(crate) fn from_env(case: &Case) -> Option<Self> {
        let python = std::env::var_os("SI_BENCH_PEER")?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peer/peer.py");
        let mut process = Command::new(python)
            .arg(script)
            .arg(&case.name)
            .arg(case.batch_size.to_string())
            .arg(std::env::var("RAYON_NUM_THREADS").unwrap_or_else(|_| "1".to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("SI_BENCH_PEER names a Python");
        let requests = process.stdin.take().expect("it is piped");
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut peer = Self {
            version: String::new(),
            process,
            requests,
            answers,
        };
        peer.version = peer.line();
        Some(peer)
    }

    /// Seconds of the learner's next step.
    pub(crate) fn step(&mut self, learner: PeerLearner) -> f64 {
        writeln!(self.requests, "{}", learner.name()).expect("PyTorch listens");
        let line = self.line();
        line.parse()
            .expect("PyTorch answers by a number of seconds")
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line).unwrap_or(0);
        assert!(read > 0, "PyTorch has stopped, for the reason above");
        line.trim().to_string()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
