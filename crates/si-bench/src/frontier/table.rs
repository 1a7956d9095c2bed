use crate::report::{number, terminal_table, wrap};

use super::notes::notes;
use super::results::LIMITS;
use super::{DropoutComparison, Finding, Frontier, NetworkFrontier};

/// The frontiers for the terminal, at most 80 columns wide and without escape codes: a table of the networks, the paper's
/// findings, and notes.
pub fn table(frontier: &Frontier) -> String {
    let header = [String::new()].into_iter().chain(narrow_header());
    let mut table = terminal_table(header.collect());
    for network in &frontier.networks {
        let label = [network.kind.to_string()].into_iter();
        table.add_row(label.chain(cells(network)).collect::<Vec<String>>());
    }
    let mut text = format!("{}\n\n", table.trim_fmt());
    for finding in &frontier.findings {
        text.push_str(&wrap(&sentence(finding)));
    }
    text.push('\n');
    for note in notes(frontier) {
        text.push_str(&wrap(&note));
    }
    text
}

/// The columns after the network's name.
pub(super) fn header() -> impl Iterator<Item = String> {
    let limits = LIMITS.map(|limit| format!("old, if new ≤ {}", whole_per_cent(limit)));
    let others = ["lowest sum", "hidden layers", "parameters"];
    limits.into_iter().chain(others.map(str::to_string))
}

/// The same for the terminal, where columns are narrow.
fn narrow_header() -> impl Iterator<Item = String> {
    let limits = LIMITS.map(|limit| format!("old, if\nnew\n≤ {}", whole_per_cent(limit)));
    let others = ["lowest\nsum", "hidden\nlayers", "para-\nmeters"];
    limits.into_iter().chain(others.map(str::to_string))
}

/// A share in %, without decimals.
pub(super) fn whole_per_cent(share: f64) -> String {
    format!("{} %", (100.0 * share).round())
}

/// The cells below [`header`]. Errors are in %.
pub(super) fn cells(network: &NetworkFrontier) -> Vec<String> {
    let error = |error: Option<f64>| error.map_or(MISSING.to_string(), number);
    let mut cells: Vec<String> = network
        .thresholds
        .iter()
        .map(|it| error(it.old_error))
        .collect();
    let Some(lowest) = &network.lowest_sum else {
        cells.extend([MISSING; 3].map(str::to_string));
        return cells;
    };
    let sizes: Vec<String> = lowest.hidden_sizes.iter().map(usize::to_string).collect();
    let sums = match lowest.sums_per_unit {
        1 => String::new(),
        sums => format!("×{sums}"),
    };
    cells.extend([
        number(lowest.sum),
        format!("{}{sums}", sizes.join("-")),
        lowest
            .num_parameters
            .map_or(MISSING.to_string(), |it| it.to_string()),
    ]);
    cells
}

const MISSING: &str = "–";

/// A finding, its verdict, and the numbers that it rests on.
fn sentence(finding: &Finding) -> String {
    format!(
        "{}: {} ({}, in %: {}).",
        finding.aspect.statement(),
        finding.verdict(),
        finding.aspect.measure(),
        numbers(finding)
    )
}

/// The numbers that a finding rests on, in %.
pub(super) fn numbers(finding: &Finding) -> String {
    let of_units = |it: &DropoutComparison| {
        let decided = match it.decided_by[..] {
            [] => String::new(),
            [one] => format!(", decided by configuration {one}"),
            _ => ", decided by single configurations".to_string(),
        };
        format!(
            "{} {} without, {} with{decided}",
            it.units,
            number(it.without),
            number(it.with)
        )
    };
    let all: Vec<String> = finding.comparisons.iter().map(of_units).collect();
    if all.is_empty() {
        "no runs to compare".to_string()
    } else {
        all.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontier::testing;

    #[test]
    fn each_network_has_a_row_of_at_most_80_columns() {
        let mut frontier = testing::frontier();
        let lowest = frontier.networks[5].lowest_sum.as_mut();
        let lowest = lowest.expect("some run is finite");
        lowest.num_parameters = Some(12_345_678);
        lowest.hidden_sizes = vec![400, 400];
        lowest.sums_per_unit = 5;
        let text = table(&frontier);
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        for network in &frontier.networks {
            let label = network.kind.to_string();
            let is_row = |line: &str| line.trim_start().starts_with(&label);
            assert!(text.lines().any(is_row), "{label}: {text}");
        }
        assert!(text.contains("400-400×5"), "{text}");
    }

    #[test]
    fn findings_give_the_numbers_that_they_rest_on() {
        let mut finding = testing::frontier().findings.remove(0);
        let text = sentence(&finding);
        let start = "With dropout, networks adapt best to the new task: holds (lowest error on the new task, in %: \
                     ReLU 6.00 without, 1.00 with; ";
        assert!(text.starts_with(start), "{text}");
        finding.comparisons[0].decided_by = vec![2];
        assert!(sentence(&finding).contains("with, decided by configuration 2; "));
        finding.comparisons.clear();
        assert!(sentence(&finding).ends_with(": no runs to compare)."));
    }

    #[test]
    fn a_network_without_a_finite_run_has_no_numbers() {
        let mut frontier = testing::frontier();
        let network = &mut frontier.networks[0];
        network.lowest_sum = None;
        for threshold in &mut network.thresholds {
            threshold.old_error = None;
        }
        let cells = cells(network);
        assert_eq!(cells.len(), header().count());
        assert!(cells.iter().all(|cell| cell == MISSING));
    }
}
