use super::*;
use crate::experiment::{Attempt, ChosenStrength};
use crate::fixture;

#[test]
fn a_run_of_the_papers_protocol_has_its_numbers_beside_it() {
    insta::assert_snapshot!(table(&[results("", &[0.0, 1.0], 3)]));
}

#[test]
fn one_seed_has_no_spread() {
    let text = table(&[results("", &[1.0], 1)]);
    let average = text.lines().find(|line| line.contains("Average "));
    assert!(average.is_some_and(|line| !line.contains('±')), "{text}");
}

#[test]
fn another_protocol_is_marked() {
    let mut config = fixture::config(&[0.0, 1.0], 2);
    config.num_epochs = 1;
    config.hidden_sizes = vec![100];
    let records = fixture::records(&config, 5);
    let text = table(&[Results::new("", &config, &records).expect("even runs")]);

    assert!(text.contains("other protocol"), "{text}");
    assert!(
        text.contains("hidden_sizes = [100], num_epochs = 1"),
        "{text}"
    );
    assert!(!text.contains("99.06"), "{text}");
}

#[test]
fn consolidation_without_effect_is_reported() {
    let config = fixture::config(&[1.0], 3);
    let mut records = fixture::records(&config, 5);
    records[1].inert = true;
    records[2].inert = true;
    let text = table(&[Results::new("", &config, &records).expect("even runs")]);

    assert!(
        text.contains("no effect in some task at seed 1, 2"),
        "{text}"
    );
}

#[test]
fn strengths_that_were_chosen_are_shown_task_by_task() {
    let config = fixture::config(&[0.0, 1.0], 2);
    let mut records = fixture::records(&config, 3);
    let text = |records: &[_]| table(&[Results::new("", &config, records).expect("even runs")]);
    assert!(!text(&records).contains("chf"));
    let choice = |task, strength, is_accepted| ChosenStrength {
        task,
        free_accuracy: 0.9,
        attempts: vec![Attempt {
            strength,
            accuracy: 0.8,
            is_accepted,
        }],
    };
    for (record, last) in records.iter_mut().skip(2).zip([0.5, 0.0009765625]) {
        record.chosen_strengths = vec![choice(1, 0.5, true), choice(2, last, last > 0.1)];
    }
    let text = text(&records);
    let shown = text
        .split_once("Strength that chf chose")
        .expect("a heading")
        .1;
    let rows: Vec<&str> = shown.lines().skip(1).take(2).collect();
    assert!(rows[0].contains("Task 2") && rows[0].contains('–') && rows[0].ends_with(" 0.5"));
    assert!(rows[1].ends_with("0.000977 to 0.5"), "{text}");
    assert!(
        text.contains("no strength was accepted in task 3 at seed 1,"),
        "{text}"
    );
}

#[test]
fn training_that_diverged_is_reported() {
    let config = fixture::config(&[1.0], 3);
    let mut records = fixture::records(&config, 5);
    records[1].epochs[0].task_loss = None;
    let text = table(&[Results::new("", &config, &records).expect("even runs")]);

    assert!(text.contains("training diverged"), "{text}");
    assert!(!text.contains("no effect"), "{text}");
}

#[test]
fn many_conditions_with_long_names_fit_into_80_columns() {
    let strengths = [0.0, 0.1, 0.25, 0.5, 1.0, 2.0];
    let long = "a-run-folder-with-a-really-long-name-2026-11-22T12-00-00Z";
    let text = table(&[
        results(long, &strengths, 2),
        results("short", &strengths, 2),
    ]);

    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(!text.contains('\u{1b}'));
    assert!(text.contains("si (c = 2)"), "{text}");
}

#[test]
fn the_table_says_when_there_is_nothing_to_report() {
    assert_eq!(table(&[]), "no runs to report\n");
    let config = fixture::config(&[0.0], 1);
    let none = Results::new("", &config, &[]).expect("no runs");
    assert_eq!(table(&[none]), "split-mnist on flex: no finished runs\n");
}

#[test]
fn two_runs_are_shown_side_by_side() {
    insta::assert_snapshot!(table(&[
        results("monday", &[1.0], 2),
        results("tuesday", &[0.5], 2)
    ]));
}

fn results(label: &str, strengths: &[f64], num_seeds: usize) -> Results {
    let config = fixture::config(strengths, num_seeds);
    Results::new(label, &config, &fixture::records(&config, 5)).expect("even runs")
}

#[test]
fn runs_of_different_processors_have_one_note() {
    let config = fixture::config(&[0.0, 1.0], 2);
    let mut records = fixture::records(&config, 3);
    let text = |records: &[_]| table(&[Results::new("", &config, records).expect("even runs")]);
    for record in &mut records {
        record.processor = Some("Slow 1".to_string());
    }
    records[0].processor = None;
    assert!(!text(&records).contains("processor"));
    records[3].processor = Some("Fast 2".to_string());
    let text = text(&records);
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    let note = "the runs were made on different processors (Fast 2, Slow 1): ";
    assert_eq!(text.matches(note).count(), 1, "{text}");
}
