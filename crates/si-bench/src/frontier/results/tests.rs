use super::*;
use crate::frontier::testing::{self, NUM_CONFIGURATIONS};

#[test]
fn a_network_has_the_envelope_of_all_its_runs_and_epochs() {
    let frontier = testing::frontier();
    assert_eq!(frontier.networks.len(), 6);
    for network in &frontier.networks {
        assert_eq!(network.num_runs, NUM_CONFIGURATIONS);
        assert!(
            network
                .frontier
                .is_sorted_by_key(|it| it.new_error.to_bits())
        );
        let falls = |pair: &[Outcome]| pair[1].old_error < pair[0].old_error;
        assert!(network.frontier.windows(2).all(falls), "{network:?}");
        let lowest = network.lowest_sum.as_ref().expect("some run is finite");
        assert!(network.frontier.iter().all(|it| it.sum() >= lowest.sum));
        let index = lowest.outcome.configuration - 1;
        let drawn = &frontier.configurations[index];
        assert_eq!(lowest.hidden_sizes, drawn.hidden_sizes);
    }
    let maxout = frontier.networks.last().expect("six networks");
    let lowest = maxout.lowest_sum.as_ref().expect("some run is finite");
    assert!(lowest.sums_per_unit > 1);
    assert_eq!(lowest.num_parameters, Some(1000 + 500));
}

#[test]
fn runs_that_diverged_are_counted_and_left_out() {
    let (study, mut records) = (testing::study(), testing::records());
    let whole = Frontier::new(&study, &records).expect("every run is there");
    // The best errors of all, in a run that diverges afterwards.
    let run = &mut records[1][2];
    run.epochs[1].accuracy = vec![1.0, 1.0];
    let last = run.epochs.last_mut().expect("there are epochs");
    last.task_loss = None;
    let frontier = Frontier::new(&study, &records).expect("every run is there");
    let lwta = &frontier.networks[2];
    assert_eq!((lwta.num_runs, lwta.num_diverged), (NUM_CONFIGURATIONS, 1));
    assert!(lwta.num_outcomes < whole.networks[2].num_outcomes);
    assert!(lwta.frontier.iter().all(|it| it.configuration != 2));
    assert_eq!(frontier.networks[3], whole.networks[3]);

    for configuration in &mut records {
        configuration[2].epochs[0].task_loss = None;
    }
    let frontier = Frontier::new(&study, &records).expect("every run is there");
    let lwta = &frontier.networks[2];
    assert_eq!(
        (lwta.num_diverged, lwta.num_outcomes),
        (NUM_CONFIGURATIONS, 0)
    );
    assert_eq!(lwta.lowest_sum, None);
    assert!(lwta.thresholds.iter().all(|it| it.old_error.is_none()));
}

#[test]
fn a_run_that_is_missing_or_was_not_tested_is_named() {
    let study = testing::study();
    let error = |records: &[Vec<RunRecord>]| {
        let frontier = Frontier::new(&study, records);
        frontier.expect_err("not complete").to_string()
    };
    let mut missing = testing::records();
    missing[1].remove(3);
    assert_eq!(
        error(&missing),
        "the run of LWTA, dropout in configuration 2 is missing"
    );
    assert_eq!(
        error(&testing::records()[..1]),
        "the run of ReLU in configuration 2 is missing"
    );
    let mut untested = testing::records();
    untested[0][0].epochs[1].accuracy.clear();
    assert_eq!(
        error(&untested),
        "the run of ReLU in configuration 1 was not tested after every epoch"
    );
}

#[test]
fn json_is_read_back_to_the_same() {
    let frontier = testing::frontier();
    let json = frontier.to_json();
    let read: Frontier = serde_json::from_str(&json).expect("it is one");
    assert_eq!(read.to_json(), json);
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["networks"][1]["units"], "relu");
    assert!(value["study"]["protocol"].get("methods").is_none());
    assert_eq!(value["networks"][1]["has_dropout"], true);
}
