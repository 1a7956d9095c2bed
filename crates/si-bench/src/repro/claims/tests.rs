use super::*;
use crate::experiment::{Experiment, RunRecord};
use crate::fixture;
use crate::methods::{SI, methods};
use crate::metrics::{LayerCorrelations, Verdict};

#[test]
fn a_claim_holds_if_the_runs_show_it_and_fails_otherwise() {
    let config = fixture::config(&[0.0, 1.0], 5);
    let verdict = |records: &[RunRecord]| {
        let summary = Summary::new(&config, records).expect("records of one protocol");
        let claims = claims(Part::Figure3, &config, &summary);
        claim_about(&claims, "si (c = 1) is above c = 0").verdict
    };
    let mut records = fixture::records(&config, 5);
    assert_eq!(verdict(&records), Verdict::Holds);

    // The other way round.
    for record in &mut records {
        let conditions = config.conditions();
        let other = if record.condition == conditions[0] {
            1
        } else {
            0
        };
        record.condition = conditions[other].clone();
    }
    assert_eq!(verdict(&records), Verdict::Fails);
}

#[test]
fn numbers_of_the_paper_appear_only_beside_its_protocol() {
    let mut config = fixture::config(&[0.0, 1.0], 3);
    let with_paper = |config: &ExperimentConfig| {
        let records = fixture::records(config, 5);
        let summary = Summary::new(config, &records).expect("records of one protocol");
        let claims = claims(Part::Figure3, config, &summary);
        claims.iter().filter(|claim| claim.paper.is_some()).count()
    };
    assert_eq!(with_paper(&config), 2);
    config.num_epochs = 1;
    assert_eq!(with_paper(&config), 0);
}

#[test]
fn permuted_mnist_is_compared_with_every_other_method() {
    let config = ExperimentConfig {
        methods: methods("none,si:c=0.1,ewc:lambda=100,dropout,joint,scratch"),
        num_seeds: 3,
        ..ExperimentConfig::paper(Experiment::PermutedMnist)
    };
    let summary = Summary::new(&config, &fixture::records(&config, 10)).expect("one protocol");
    let claims = claims(Part::Figure4, &config, &summary);
    for statement in [
        "With none (c = 0), the average accuracy is the paper's",
        "With si (c = 0.1), the average accuracy is the paper's",
        "si (c = 0.1) is above c = 0",
        "With none (c = 0), accuracy falls with a task's age",
        "With dropout (p = 0.5), accuracy falls with a task's age",
        "accuracy is similar across tasks",
        "The first task is kept",
        "Synaptic Intelligence and EWC are equally good",
        "Joint training is at most 5 points better",
        "What is learnt holds on new data",
    ] {
        claim_about(&claims, statement);
    }
    assert_eq!(claims.len(), 10);
}

#[test]
fn correlations_are_compared_layer_by_layer() {
    let config = ExperimentConfig {
        methods: methods("none,si:c=0.1"),
        num_seeds: 3,
        num_tasks: 3,
        ..ExperimentConfig::paper(Experiment::PermutedMnist)
    };
    let mut records = fixture::records(&config, 3);
    for record in &mut records {
        let size = if record.condition.is(&SI) { 0.1 } else { 0.4 };
        record.correlations = vec![layer(1, 0.01), layer(2, size + 0.001 * record.seed as f64)];
    }
    let summary = Summary::new(&config, &records).expect("one protocol");
    let claims = claims(Part::Figure5, &config, &summary);
    assert_eq!(claims.len(), 5);
    for claim in &claims {
        assert_eq!(claim.verdict, Verdict::Holds, "{}", claim.statement);
    }
}

#[test]
fn split_cifar_is_shown_at_every_strength() {
    let config = ExperimentConfig {
        num_seeds: 3,
        ..ExperimentConfig::paper(Experiment::SplitCifar)
    };
    let summary = Summary::new(&config, &fixture::records(&config, 6)).expect("one protocol");
    let claims = claims(Part::Figure6, &config, &summary);
    for strength in ["0.01", "0.1"] {
        let label = format!("si (c = {strength})");
        let claim = claim_about(&claims, &format!("but the last, {label} is above c = 0"));
        assert_eq!(claim.verdict, Verdict::Holds);
        for statement in [
            format!("With {label}, accuracy is similar"),
            format!("{label} is at most a point below from scratch"),
            format!("On average over the tasks of CIFAR-100, {label} is above"),
            format!("from scratch is above {label}"),
            format!("Corrected for how hard the tasks of CIFAR-100 are, accuracy with {label}"),
        ] {
            claim_about(&claims, &statement);
        }
    }
    // Four conditions of six tasks in the paper, six claims at each strength, one at c = 0.
    assert_eq!(claims.len(), 4 * 6 + 2 * 6 + 1);
}

/// Correlations that grow from one pair of tasks to the next.
fn layer(layer: usize, size: f64) -> LayerCorrelations {
    let at = |row: usize, column: usize| {
        if row == column {
            Some(1.0)
        } else {
            Some(size * 0.2 * (row + column) as f64)
        }
    };
    LayerCorrelations {
        layer,
        matrix: (0..3)
            .map(|row| (0..3).map(|column| at(row, column)).collect())
            .collect(),
    }
}

#[test]
fn a_claim_about_every_task_is_as_weak_as_its_weakest_task() {
    let good = vec![0.10, 0.11, 0.12];
    let wide = vec![-0.3, 0.4, 0.5];
    let bad = vec![-0.10, -0.11, -0.12];
    let verdict = |tasks: [&Vec<f64>; 2]| {
        let claim = Claim::on_every_task("", "", 0..2, |task| tasks[task].clone(), 0.0);
        claim.expect("values").verdict
    };
    assert_eq!(verdict([&good, &good]), Verdict::Holds);
    // Its mean is higher, and still it says less.
    assert_eq!(verdict([&good, &wide]), Verdict::Undecided);
    assert_eq!(verdict([&good, &bad]), Verdict::Fails);
    assert_eq!(verdict([&vec![0.1], &vec![0.2]]), Verdict::HoldsOnce);
    assert_eq!(verdict([&vec![0.1], &vec![-0.2]]), Verdict::FailsOnce);
}

fn claim_about<'a>(claims: &'a [Claim], statement: &str) -> &'a Claim {
    let found = claims
        .iter()
        .find(|claim| claim.statement.contains(statement));
    found.unwrap_or_else(|| panic!("no claim is about {statement:?}"))
}
