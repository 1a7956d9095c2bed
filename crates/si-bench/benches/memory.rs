//! How much memory consolidation takes: `cargo xtask bench`.
//!
//! A process has one peak, so each learner has a process of its own: this program again, with the learner's place
//! in `SI_BENCH_LEARNER`.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod learners;

use learners::{Case, Learner, described, device, this_program};
use si_bench::keep_buffers;

const LEARNER: &str = "SI_BENCH_LEARNER";
const NUM_STEPS: usize = 4;

fn main() {
    let (device, name) = device();
    let cases = Case::of_the_paper(&device);
    if let Ok(place) = std::env::var(LEARNER) {
        let place: usize = place.parse().expect("it is a number");
        let case = &cases[place / Learner::ALL.len()];
        let learner = Learner::ALL[place % Learner::ALL.len()];
        drop(case.learner(learner, NUM_STEPS));
        println!("{}", peak_kib().unwrap_or(0));
        return;
    }
    if peak_kib().is_none() || !si_bench::keeps_to_its_threads(&name) {
        println!(
            "{name}: not measured, as the system does not tell the peak of what a process has there"
        );
        return;
    }
    println!(
        "{}: peak of the process in MB; in brackets: above the first column, in numbers of 4 bytes per parameter\n",
        described(&name)
    );
    println!("| network | parameters | Adam | Adam, SI | synaptic Adam, SI |");
    println!("|---|---|---|---|---|");
    for (index, case) in cases.iter().enumerate() {
        let num_parameters = case.num_parameters() as f64;
        let peaks = [0, 1, 2].map(|learner| peak_of(Learner::ALL.len() * index + learner));
        let above = |peak: f64| (peak - peaks[0]) / (4.0 * num_parameters);
        println!(
            "| {} | {num_parameters} | {:.1} | {:.1} ({:.1}) | {:.1} ({:.1}) |",
            case.name,
            peaks[0] / 1e6,
            peaks[1] / 1e6,
            above(peaks[1]),
            peaks[2] / 1e6,
            above(peaks[2]),
        );
    }
}

/// Bytes.
fn peak_of(place: usize) -> f64 {
    let mut again = this_program();
    let output = keep_buffers(&mut again)
        .env(LEARNER, place.to_string())
        .output();
    let output = output.expect("it runs again");
    let text = String::from_utf8_lossy(&output.stdout);
    let kib: f64 = text.trim().parse().expect("it prints its peak");
    1024.0 * kib
}

/// Most memory that this process has had so far. None where the system has no `/proc`.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mut lines = status.lines();
    let peak = lines.find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix("kB")?.trim().parse().ok()
}
