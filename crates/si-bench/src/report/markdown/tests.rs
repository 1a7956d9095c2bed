use super::*;
use crate::fixture;

#[test]
fn the_page_says_what_was_run_and_measured() {
    let config = fixture::config(&[0.0, 1.0], 3);
    let records = fixture::records(&config, 5);
    insta::assert_snapshot!(markdown(&[
        Results::new("", &config, &records).expect("even runs")
    ]));
}

#[test]
fn a_comparison_names_each_run() {
    let config = fixture::config(&[0.5], 2);
    let results = |label: &str| {
        Results::new(label, &config, &fixture::records(&config, 5)).expect("even runs")
    };
    let page = markdown(&[results("a|b"), results("<c>")]);

    assert!(
        page.contains(r"| a\|b: si (c = 0.5) | \<c>: si (c = 0.5) |"),
        "{page}"
    );
    assert!(!page.contains("The paper's numbers"), "{page}");
}

#[test]
fn the_page_says_when_there_are_no_runs() {
    let config = fixture::config(&[0.5], 2);
    let page = markdown(&[Results::new("", &config, &[]).expect("no runs")]);
    assert!(page.contains("No runs are finished yet"), "{page}");
}

#[test]
fn durations_have_two_units_at_most() {
    assert_eq!(duration(12.34), "12.3 s");
    assert_eq!(duration(185.0), "3 min 5 s");
    assert_eq!(duration(7380.0), "2 h 3 min");
}
