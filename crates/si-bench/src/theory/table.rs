use crate::report::{terminal_table, wrap};

use super::{Case, Theory};

/// The comparison as a table for the terminal, at most 80 columns wide and without escape codes.
pub fn table(theory: &Theory) -> String {
    let mut table = terminal_table(HEADER.map(str::to_string).to_vec());
    for case in Case::ALL {
        table.add_row([case.name()]);
        for row in theory.rows.iter().filter(|row| row.case == case) {
            let largest = row.largest();
            table.add_row([
                format!("  {}", row.statement),
                row.equation.clone(),
                row.method.name().to_string(),
                number(row.predicted[largest]),
                number(row.simulated[largest]),
                share(row.error),
                if row.holds { "yes" } else { "no" }.to_string(),
            ]);
        }
    }
    format!(
        "Section 4 against simulation, seed {}\n\n{}\n\n{}",
        theory.seed,
        table.trim_fmt(),
        wrap(NOTE)
    )
}

const HEADER: [&str; 7] = ["", "Eq.", "By", "Theory", "Found", "Off", "Holds"];

/// What the columns mean.
pub(super) const NOTE: &str = "Theory and found: of the numbers of a statement, the one that theory \
    has the largest. Off: the largest deviation of any of them, as a share of that one. By \
    program: gradient descent of a Burn module under the learner, first-order in its steps. By \
    integral: the flow integrated in plain arithmetic. What does not hold is as the paper prints it; \
    what follows from its eq. 11 stands below.";

/// A number with four digits.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_string(),
        small if small < 1e-3 => format!("{value:.1e}"),
        large if large >= 1e4 => format!("{value:.1e}"),
        usual => {
            let decimals = (3.0 - usual.log10().floor()).max(0.0) as usize;
            format!("{value:.decimals$}")
        }
    }
}

/// A share with two digits.
pub(super) fn share(value: f64) -> String {
    if (0.01..100.0).contains(&value) {
        format!("{value:.2}")
    } else {
        format!("{value:.0e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        let texts = [0.0, 1.23456, -0.0123456, 123.456, 1.5e-5, -2.5e7].map(number);
        assert_eq!(
            texts,
            ["0", "1.235", "-0.01235", "123.5", "1.5e-5", "-2.5e7"]
        );
    }
}
