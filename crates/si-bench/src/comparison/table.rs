use crate::claim::{Claim, verdict};
use crate::metrics::Statistic;
use crate::report::{number, percent, terminal_table, wrap};

use super::notes::notes;
use super::{ComparedMethod, Comparison};

/// The comparison as two tables for the terminal, at most 80 columns wide and without escape codes: results and costs. Notes
/// below say what the columns mean.
pub fn table(comparison: &Comparison) -> String {
    if comparison.methods.is_empty() {
        return "no finished runs\n".to_string();
    }
    let mut text = format!(
        "{} on {}\n",
        comparison.experiment.name(),
        comparison.config.device
    );
    // Columns are narrow, so published means are without their spread.
    for Columns { header, rows } in columns(comparison, |it| number(it.mean)) {
        let header = header.iter().map(|it| it.narrow);
        let header = [""].into_iter().chain(header);
        let mut table = terminal_table(header.map(str::to_string).collect());
        for (method, cells) in comparison.methods.iter().zip(rows) {
            let label = [method.marked_label()].into_iter();
            table.add_row(label.chain(cells).collect::<Vec<String>>());
        }
        text.push_str(&format!("\n{}\n", table.trim_fmt()));
    }
    text.push('\n');
    text.push_str(&claims(comparison));
    for note in notes(comparison) {
        text.push_str(&wrap(&note));
    }
    text
}

fn claims(comparison: &Comparison) -> String {
    if comparison.claims.is_empty() {
        return String::new();
    }
    let line = |claim: &Claim| wrap(&format!("{}: {}.", verdict(claim.verdict), claim.statement));
    let lines: String = comparison.claims.iter().map(line).collect();
    format!("{EXPECTATIONS}:\n{lines}\n")
}

/// The heading of the claims.
pub(super) const EXPECTATIONS: &str = "What publications lead us to expect";

/// Some columns of the comparison.
pub(super) struct Columns {
    /// Without that of the labels.
    pub(super) header: Vec<&'static Header>,
    /// For each method, the cells after its label.
    pub(super) rows: Vec<Vec<String>>,
}

/// The columns of results, and those of costs. `published` writes a published number.
pub(super) fn columns(comparison: &Comparison, published: fn(Statistic) -> String) -> [Columns; 2] {
    let mut of_results = Columns {
        header: RESULTS.iter().collect(),
        rows: comparison.methods.iter().map(results).collect(),
    };
    if comparison.methods.iter().any(|it| it.published.is_some()) {
        of_results.header.insert(1, &PUBLISHED);
        for (method, row) in comparison.methods.iter().zip(&mut of_results.rows) {
            let number = method.published.map(published);
            row.insert(1, number.unwrap_or(MISSING.to_string()));
        }
    }
    let of_costs = Columns {
        header: COSTS.iter().collect(),
        rows: comparison.methods.iter().map(costs).collect(),
    };
    [of_results, of_costs]
}

/// The header of a column, after the labels.
pub(super) struct Header {
    /// On a page.
    pub(super) whole: &'static str,
    /// In the terminal, where columns are narrow.
    narrow: &'static str,
}

const fn header(whole: &'static str, narrow: &'static str) -> Header {
    Header { whole, narrow }
}

const PUBLISHED: Header = header("published", "pub-\nlished");

const RESULTS: [Header; 5] = [
    header("average accuracy", "average"),
    header("forgetting", "forgot"),
    header("backward transfer", "back-\nward"),
    header("learning accuracy", "learn-\ning"),
    header("min-ACC", "min-\nACC"),
];

const COSTS: [Header; 6] = [
    header("floats kept per parameter", "floats"),
    header("bytes kept", "bytes"),
    header("extra forward passes", "extra\nforw."),
    header("extra backward passes", "extra\nback."),
    header("images measured", "meas-\nured"),
    header("seconds of a run", "sec-\nonds"),
];

/// In %.
fn results(method: &ComparedMethod) -> Vec<String> {
    let mean =
        |statistic: Option<Statistic>| statistic.map_or(MISSING.to_string(), |it| number(it.mean));
    vec![
        percent(Some(method.average_accuracy)),
        mean(method.forgetting),
        mean(method.backward_transfer),
        mean(Some(method.learning_accuracy)),
        mean(method.min_accuracy),
    ]
}

fn costs(method: &ComparedMethod) -> Vec<String> {
    let decimals = usize::from(method.seconds < 100.0);
    let seconds = format!("{:.decimals$}", method.seconds);
    let Some(cost) = method.cost else {
        let missing = std::iter::repeat_n(MISSING.to_string(), COSTS.len() - 1);
        return missing.chain([seconds]).collect();
    };
    vec![
        format!("{:.2}", cost.floats_per_parameter),
        bytes(cost.bytes),
        format!("{:.2}", cost.extra_forwards),
        format!("{:.2}", cost.extra_backwards),
        format!("{:.0}", cost.measured_images),
        seconds,
    ]
}

const MISSING: &str = "–";

/// `0 B`, `393 kB` or `2.15 MB`.
fn bytes(count: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count;
    let mut index = 0;
    while value >= 999.5 && index + 1 < units.len() {
        value /= 1000.0;
        index += 1;
    }
    let decimals = match value {
        _ if index == 0 => 0,
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {}", units[index])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::testing;

    #[test]
    fn bytes_have_three_digits() {
        let texts = [0.0, 785.0, 999.6, 392_600.0, 2_154_576.0, 45e6, 1e12].map(bytes);
        assert_eq!(
            texts,
            [
                "0 B", "785 B", "1.00 kB", "393 kB", "2.15 MB", "45.0 MB", "1.00 TB"
            ]
        );
    }

    #[test]
    fn each_method_has_a_row_of_results_and_one_of_costs() {
        let comparison = testing::comparison();
        let text = table(&comparison);
        for method in &comparison.methods {
            let label = method.marked_label();
            let starts = |line: &&str| line.trim_start().starts_with(&label);
            assert!(text.lines().filter(starts).count() >= 2, "{text}");
        }
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        let si = &comparison.methods[1];
        let costs_of_si = costs(si);
        assert_eq!(costs_of_si[..5], ["2.00", "100 kB", "0.00", "0.00", "0"]);
        assert!(costs_of_si[5].starts_with("42."));
        assert_eq!(costs(&comparison.methods[2])[2..4], ["0.50", "0.50"]);
        assert!(results(si)[0].contains(" ± "));
    }

    #[test]
    fn long_labels_and_large_numbers_fit_into_80_columns() {
        let mut comparison = testing::comparison();
        let method = &mut comparison.methods[3];
        method.label = "er (M = 57241), bytes of si".to_string();
        method.seconds = 9876.4;
        method.average_accuracy.mean = 0.9876;
        if let Some(cost) = &mut method.cost {
            cost.floats_per_parameter = 12.34;
            cost.bytes = 987.6e6;
            cost.measured_images = 1000.0;
        }
        for text in table(&comparison).lines() {
            assert!(text.chars().count() <= 80, "{text}");
        }
        let text = table(&comparison);
        let row = |label: &str| text.lines().any(|it| it.trim().starts_with(label));
        assert!(row("er (M = 57241), bytes of si "), "{text}");
        for part in [
            " 9876",
            " 1000 ",
            " 988 MB ",
            " 12.34 ",
            " 98.76 ± ",
            " forgot ",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn claims_have_a_heading() {
        let mut comparison = testing::comparison();
        let first = verdict(comparison.claims[0].verdict);
        let heading = format!("\n\n{EXPECTATIONS}:\n{first}: si (c = 10) is better than ");
        let text = table(&comparison);
        assert!(text.contains(&heading), "{text}");
        comparison.claims.clear();
        assert!(!table(&comparison).contains(EXPECTATIONS));
    }

    #[test]
    fn a_published_mean_is_alone_in_the_terminal() {
        let mut comparison = testing::comparison();
        comparison.methods[1].published = Statistic::new(&[0.97, 0.99]);
        let text = table(&comparison);
        assert!(text.contains(" 98.00 "), "{text}");
        assert!(!text.contains("98.00 ±"), "{text}");
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn what_was_not_recorded_is_marked() {
        let mut comparison = testing::comparison();
        comparison.methods[0].cost = None;
        let cells = costs(&comparison.methods[0]);
        assert_eq!(cells.len(), COSTS.len());
        assert_eq!(cells[..5], ["–"; 5]);
    }

    #[test]
    fn a_comparison_without_runs_says_so() {
        let comparison = Comparison {
            methods: Vec::new(),
            ..testing::comparison()
        };
        assert_eq!(table(&comparison), "no finished runs\n");
    }
}
