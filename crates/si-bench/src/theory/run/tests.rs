use std::sync::LazyLock;

use super::*;
use crate::report::png;
use crate::theory::{Case, Quantity, Reading, Row, figure, markdown, table, write};

static THEORY: LazyLock<Theory> = LazyLock::new(|| run(0).expect("flex is compiled in"));

fn row(case: Case, quantity: Quantity, reading: Reading) -> &'static Row {
    THEORY
        .rows
        .iter()
        .find(|row| (row.case, row.quantity, row.reading) == (case, quantity, reading))
        .expect("there is such a row")
}

#[test]
fn every_row_holds_except_those_that_have_a_correction() {
    for row in &THEORY.rows {
        assert_eq!(row.holds, !THEORY.is_superseded(row), "{row:#?}");
    }
    let superseded = THEORY.rows.iter().filter(|row| THEORY.is_superseded(row));
    assert_eq!(superseded.count(), 5);
}

#[test]
fn eq_13_as_printed_gives_twice_the_simulated_value() {
    let row = row(
        Case::DiagonalHessian,
        Quantity::PathIntegral,
        Reading::Printed,
    );
    for (predicted, simulated) in row.predicted.iter().zip(&row.simulated) {
        assert!((simulated / predicted - 0.5).abs() < 0.5 * row.tolerance);
    }
}

#[test]
fn importance_at_rank_one_is_the_same_everywhere() {
    let row = row(Case::RankOneHessian, Quantity::Importance, Reading::Printed);
    let half_eigenvalue = 0.5 * EIGENVALUES[0];
    for simulated in &row.simulated {
        assert!((simulated / half_eigenvalue - 1.0).abs() < row.tolerance);
    }
    let trace: f64 = row.predicted.iter().sum();
    assert!((trace - EIGENVALUES[0]).abs() < 1e-9, "the diagonal of H");
}

#[test]
fn only_the_ratio_of_the_means_converges() {
    let normalization = &THEORY.normalization;
    let [first, .., last] = normalization.as_slice() else {
        panic!("{normalization:?}");
    };
    for index in 0..last.predicted.len() {
        let off = |value: f64| (value / last.predicted[index] - 1.0).abs();
        assert!(off(last.ratio_of_means[index]) < 0.01);
        assert!(last.mean_of_ratios[index] > 10.0 * last.predicted[index]);
        assert!(last.mean_of_ratios[index] > first.mean_of_ratios[index]);
    }
}

#[test]
fn the_same_seed_gives_the_same_numbers_and_another_seed_others() {
    let again = run(0).expect("flex is compiled in");
    assert_eq!(again, *THEORY);
    let other = run(1).expect("flex is compiled in");
    assert_ne!(other.rows[0].predicted, THEORY.rows[0].predicted);
    for row in &other.rows {
        assert_eq!(row.holds, !other.is_superseded(row), "{row:#?}");
    }
}

#[test]
fn the_file_reads_back_as_the_same_theory() {
    let text = THEORY.to_json();
    assert_eq!(Theory::from_json(&text).expect("a theory"), *THEORY);
    assert!(Theory::from_json("{}").is_err());
}

#[test]
fn tables_and_figure_show_every_statement() {
    let (table, page, svg) = (table(&THEORY), markdown(&THEORY), figure(&THEORY));
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    for text in [
        "ω_i = ½ d_i² H_ii",
        "Q_ij = ½ d_1² H_ij",
        "Ω_i = ½ λ_1 for every i",
        "program",
        "integral",
    ] {
        assert!(table.contains(text), "{text} is not in\n{table}");
    }
    assert!(page.contains("ω\\_i = ½ d\\_i² H\\_ii"), "{page}");
    assert!(svg.contains("diagonal, as printed") && svg.contains("eq. 13 with ½"));
    assert!(!svg.contains("NaN"));
    png(&svg, 450).expect("a picture");
}

#[test]
fn the_folder_holds_what_was_written_and_nothing_else() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("made");
    let artefacts = write(&folder, &THEORY).expect("written");
    let num_files = std::fs::read_dir(&folder).expect("a folder").count();
    assert_eq!(num_files, 4);
    for path in [
        &artefacts.json,
        &artefacts.markdown,
        &artefacts.svg,
        &artefacts.png,
    ] {
        assert!(path.is_file(), "{}", path.display());
    }
}
