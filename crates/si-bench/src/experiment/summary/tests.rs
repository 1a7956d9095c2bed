use super::*;
use crate::fixture;

#[test]
fn conditions_follow_the_config_and_seeds_ascend() {
    let config = fixture::config(&[1.0, 0.0], 3);
    let mut records = fixture::records(&config, 5);
    records.reverse();

    let summary = summary(&config, &records);

    let names: Vec<&str> = names(&summary);
    assert_eq!(names, ["si", "none"]);
    assert_eq!(summary.conditions[0].seeds, [0, 1, 2]);
    assert_eq!(summary.conditions[0].accuracy[0], records[5].accuracy);
}

#[test]
fn missing_runs_are_absent_from_the_summary() {
    let config = fixture::config(&[0.0, 1.0], 3);
    let mut records = fixture::records(&config, 5);
    records.truncate(2);

    let summary = summary(&config, &records);

    assert_eq!(names(&summary), ["none"]);
    assert_eq!(summary.conditions[0].seeds, [0, 1]);
    assert_eq!(summary.conditions[0].average_accuracy.n, 2);
    assert!(
        Summary::new(&config, &[])
            .expect("no runs")
            .conditions
            .is_empty()
    );
}

#[test]
fn runs_outside_the_config_are_left_out() {
    let records = fixture::records(&fixture::config(&[0.0, 1.0], 3), 5);
    let summary = summary(&fixture::config(&[1.0], 1), &records);

    assert_eq!(names(&summary), ["si"]);
    assert_eq!(summary.conditions[0].seeds, [0]);
}

#[test]
fn measures_are_statistics_over_the_seeds() {
    let config = fixture::config(&[1.0], 2);
    let mut records = fixture::records(&config, 2);
    for (record, rows) in records.iter_mut().zip([
        vec![vec![1.0, 0.5], vec![0.5, 1.0]],
        vec![vec![1.0, 0.75], vec![1.0, 1.0]],
    ]) {
        record.accuracy = AccuracyMatrix::new(rows).expect("valid rows");
    }
    records[1].inert = true;

    let summary = summary(&config, &records);
    let condition = &summary.conditions[0];

    assert_eq!(condition.average_accuracy.mean, [1.0, 0.875]);
    assert_eq!(condition.final_accuracy.mean, [0.75, 1.0]);
    assert_eq!(condition.backward_transfer, Statistic::new(&[-0.5, 0.0]));
    assert_eq!(condition.forward_transfer, Statistic::new(&[0.0, 0.25]));
    assert_eq!(condition.forgetting, Statistic::new(&[0.5, 0.0]));
    assert_eq!(condition.learning_accuracy.mean, 1.0);
    assert_eq!(condition.inert_seeds, [1]);
    assert_eq!(condition.seconds, 41.25 + 42.25);
    let share = condition
        .penalty_share
        .as_ref()
        .map(|share| share.mean.clone());
    assert_eq!(share, Some(vec![0.0, 0.25]));
    let curve = condition.accuracy_from_own_task_on(0);
    assert_eq!(
        curve.iter().map(|point| point.mean).collect::<Vec<_>>(),
        [1.0, 0.75]
    );
}

#[test]
fn one_task_has_no_transfer_and_no_forgetting() {
    let config = fixture::config(&[1.0], 2);
    let summary = summary(&config, &fixture::records(&config, 1));

    assert_eq!(summary.conditions[0].backward_transfer, None);
    assert_eq!(summary.conditions[0].forgetting, None);
}

#[test]
fn runs_over_different_numbers_of_tasks_are_refused() {
    let config = fixture::config(&[1.0], 2);
    let mut records = fixture::records(&config, 5);
    records[1] = fixture::records(&config, 4).remove(1);

    let error = Summary::new(&config, &records).expect_err("uneven");
    assert!(error.to_string().contains("\"si\""), "{error}");
}

#[test]
fn json_has_the_stable_keys_and_reads_back() {
    let config = fixture::config(&[0.0, 0.5], 1);
    let mut records = fixture::records(&config, 2);
    // Numbers that `serde_json` reads back to the bit.
    let rows = vec![vec![1.0, 0.5], vec![0.75, 1.0]];
    records[0].accuracy = AccuracyMatrix::new(rows).expect("valid rows");
    records[0].train_accuracy = records[0].accuracy.clone();
    let summary = summary(&config, &records);
    let json = summary.to_json();

    let value: serde_json::Value = serde_json::from_str(&json).expect("json");
    assert_eq!(value["experiment"], "split-mnist");
    assert_eq!(value["versions"]["burn"], "0.22.1");
    let condition = &value["conditions"][0];
    assert_eq!(condition["name"], "none");
    assert_eq!(condition["method"], "none");
    assert!(condition["parameters"].is_null());
    let parameters = &value["conditions"][1]["parameters"];
    let expected = serde_json::json!({ "c": 0.5, "normalization": "off", "xi": 0.001 });
    assert_eq!(*parameters, expected);
    assert_eq!(condition["seeds"], serde_json::json!([0]));
    assert!(condition["accuracy"][0][1][0].is_f64());
    assert!(condition["train_accuracy"][0][1][0].is_f64());
    assert_eq!(condition["average_accuracy"]["n"], 1);
    assert!(condition["average_accuracy"]["mean"][1].is_f64());
    assert!(condition["average_accuracy"]["std"].is_null());
    assert!(condition["backward_transfer"]["sem"].is_null());
    assert!(condition["forgetting"]["mean"].is_f64());
    assert_eq!(condition["seconds"], 41.25);

    assert_eq!(Summary::from_json(&json).expect("its own text"), summary);
    assert!(Summary::from_json("{}").is_err());
}

fn summary(config: &ExperimentConfig, records: &[RunRecord]) -> Summary {
    Summary::new(config, records).expect("even runs")
}

fn names(summary: &Summary) -> Vec<&str> {
    summary
        .conditions
        .iter()
        .map(|condition| condition.condition.name.as_str())
        .collect()
}
