//! What consolidation costs a training step of the paper's networks: `cargo xtask bench`.
//!
//! Learners of the same network take turns, step by step. With `SI_BENCH_PEER`, the path of a Python that has
//! PyTorch, those of `peer.py` take turns with them.
//!
//! With `SI_BENCH_STEPS=in-a-row`, each learner takes many steps before it waits for the device, as a training loop
//! does. A card computes while the program prepares the next step, so there a step takes less time than alone.
//!
//! `SI_BENCH_NETWORK` names the only network to measure.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod learners;
mod peer;

use std::env;
use std::thread;
use std::time::Duration;

use learners::{Case, Learner, as_si_trains, described, device, median};
use peer::{Peer, PeerLearner};

fn main() {
    match env::var("SI_BENCH_STEPS").as_deref() {
        Ok("in-a-row") => as_si_trains(measure_in_a_row),
        Ok(other) => panic!("SI_BENCH_STEPS is {other:?}; give in-a-row, or leave it unset"),
        Err(_) => as_si_trains(measure_in_turns),
    }
}

/// One line for each learner, so that what was measured is there if the time runs out.
fn measure_in_a_row() {
    let (device, name) = device();
    println!(
        "{}: steps in a row, median of blocks, in ms for a step; last column: relative to Adam\n",
        described(&name)
    );
    println!("| network | batch | learner | ms | relative |");
    println!("|---|---|---|---|---|");
    for case in Case::of_the_paper(&device).into_iter().filter(is_wanted) {
        let mut first = None;
        for learner in Learner::ALL {
            let seconds = case.measure_in_a_row(learner);
            let first = *first.get_or_insert(seconds);
            println!(
                "| {} | {} | {learner} | {:.3} | {:.3} |",
                case.name,
                case.batch_size,
                seconds * 1e3,
                seconds / first
            );
        }
    }
}

fn measure_in_turns() {
    let (device, name) = device();
    let mut peers = Vec::new();
    println!(
        "{}: median of interleaved steps, in ms; in brackets: relative to the first column\n",
        described(&name)
    );
    println!("| network | batch | Adam | Adam, SI | synaptic Adam, SI |");
    println!("|---|---|---|---|---|");
    let cases = Case::of_the_paper(&device).into_iter().zip([600, 40, 10]);
    for (case, num_steps) in cases.filter(|(case, _)| is_wanted(case)) {
        let mut peer = Peer::from_env(&case);
        let (ours, theirs) = measure(&case, num_steps, peer.as_mut());
        println!(
            "| {} | {} | {} |",
            case.name,
            case.batch_size,
            by_first(&ours)
        );
        if let Some(peer) = peer {
            let best = ours[2] / theirs[1];
            peers.push(format!(
                "| {} | {} | {} | {best:.3} |",
                case.name,
                peer.version,
                by_first(&theirs)
            ));
        }
    }
    if !peers.is_empty() {
        println!(
            "\nPyTorch's steps, in turns with these, in ms; in brackets: relative to the first column. Last column: our step relative to PyTorch's SI\n"
        );
        println!("| network | PyTorch | fused Adam | SI | naive SI | synaptic Adam, SI / SI |");
        println!("|---|---|---|---|---|---|");
        println!("{}", peers.join("\n"));
    }
}

fn is_wanted(case: &Case) -> bool {
    env::var("SI_BENCH_NETWORK").map_or(true, |only| only == case.name)
}

/// Median seconds of a step of each of our learners, and of each of the peer's.
fn measure(case: &Case, num_steps: usize, mut peer: Option<&mut Peer>) -> ([f64; 3], [f64; 3]) {
    let mut theirs: [Vec<f64>; 3] = Default::default();
    let ours = case.measure(num_steps, |run| {
        if let Some(peer) = &mut peer {
            for learner in PeerLearner::ALL {
                theirs[learner as usize].extend((0..run).map(|_| peer.step(learner)));
            }
            // Threads that wait for more work in a loop go to sleep.
            thread::sleep(Duration::from_millis(5));
        }
    });
    (ours, theirs.map(median))
}

/// In ms, and in brackets relative to the first.
fn by_first(seconds: &[f64; 3]) -> String {
    let first = seconds[0];
    let others = seconds[1..].iter();
    let others = others.map(|other| format!("{:.2} ({:.3})", other * 1e3, other / first));
    let cells: Vec<String> = [format!("{:.2}", first * 1e3)]
        .into_iter()
        .chain(others)
        .collect();
    cells.join(" | ")
}
