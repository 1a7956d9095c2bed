//! How the cost of consolidation grows with a network: `cargo xtask bench`.
//!
//! Perceptrons of ever more parameters, and the learners of each in turns. With `SI_BENCH_FIGURE`, a file's path,
//! the plot of it is written there.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

mod learners;

use learners::{Case, Learner, as_si_trains, described, device};
use si_bench::report::{Growth, growth_figure};

const BATCH_SIZE: usize = 64;
/// Units of a hidden layer, for 10⁴, 10⁵, … parameters, and steps that are measured.
const WIDTHS: [(usize, usize); 5] = [(12, 2000), (110, 1000), (678, 100), (2800, 16), (9600, 5)];

fn main() {
    as_si_trains(measure_all);
}

fn measure_all() {
    let (device, name) = device();
    println!(
        "{}: median of interleaved steps, in ms; in brackets: relative to the first column\n",
        described(&name)
    );
    println!("| network | parameters | Adam | Adam, SI | synaptic Adam, SI |");
    println!("|---|---|---|---|---|");
    let mut growth = Growth {
        names: Learner::ALL[1..].iter().map(Learner::to_string).collect(),
        points: Vec::new(),
    };
    for (width, num_steps) in WIDTHS {
        let case = Case::perceptron([width, width], BATCH_SIZE, &device);
        let [plain, unfused, fused] = case.measure(num_steps, |_| {});
        println!(
            "| {} | {} | {:.3} | {:.3} ({:.3}) | {:.3} ({:.3}) |",
            case.name,
            case.num_parameters(),
            plain * 1e3,
            unfused * 1e3,
            unfused / plain,
            fused * 1e3,
            fused / plain,
        );
        let ratios = vec![unfused / plain, fused / plain];
        growth.points.push((case.num_parameters(), ratios));
    }
    if let Some(path) = std::env::var_os("SI_BENCH_FIGURE") {
        std::fs::write(&path, growth_figure(&growth)).expect("SI_BENCH_FIGURE can be written");
    }
}
