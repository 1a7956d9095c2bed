use super::{above_plain, falls_with_age, is_similar, of_method, plain};
use crate::claim::{Claim, Run, differences, values};
use crate::experiment::{ConditionSummary, Experiment, ExperimentConfig, Summary};
use crate::methods::{DROPOUT, EWC, JOINT, SI};
use crate::metrics::{Claimed, Statistic};
use crate::report::Reference;

/// Figure 4.
pub(super) fn claims(config: &ExperimentConfig, summary: &Summary) -> Vec<Claim> {
    let mut claims = Vec::new();
    if Reference::departures(config).is_empty() {
        claims.extend(summary.conditions.iter().filter_map(as_in_the_paper));
    }
    let plain = plain(summary);
    claims.extend(plain.and_then(falls_with_age));
    for consolidated in of_method(summary, &SI) {
        claims.extend(plain.and_then(|plain| above_plain([consolidated, plain])));
        claims.extend(is_similar(consolidated));
        claims.extend(Claim::about(
            "The first task is kept: it loses no more than 5 points",
            "test accuracy on the first task at the end, less that right after it",
            &values(consolidated, |run| Some(run.at_end(0) - run.learnt(0))),
            Claimed::Above(-0.05),
        ));
        claims.extend(beside_others(consolidated, summary));
        claims.extend(Claim::about(
            "What is learnt holds on new data: training and test accuracy agree to 3 points",
            "training less test accuracy at the end, average over tasks",
            &values(consolidated, |run| {
                Some(run.train_average() - run.average())
            }),
            Claimed::Within(0.03),
        ));
    }
    for dropout in of_method(summary, &DROPOUT) {
        claims.extend(falls_with_age(dropout));
    }
    claims
}

fn as_in_the_paper(condition: &ConditionSummary) -> Option<Claim> {
    let curve = Reference::of(Experiment::PermutedMnist).curve(&condition.condition)?;
    let paper = Statistic {
        n: 1,
        mean: *curve.average_accuracy.get(condition.num_tasks() - 1)?,
        std: None,
        sem: None,
    };
    Claim::equals_paper(
        format!(
            "With {}, the average accuracy is the paper's",
            condition.condition.label()
        ),
        "test accuracy at the end, average over tasks",
        &values(condition, |run| Some(run.average())),
        paper,
        MARGIN,
    )
}

/// A point of accuracy.
const MARGIN: f64 = 0.01;

/// Consolidation compared with the other conditions.
fn beside_others(ours: &ConditionSummary, summary: &Summary) -> Vec<Claim> {
    let rivals = [
        (
            &EWC,
            "Synaptic Intelligence and EWC are equally good, to 2 points",
            Claimed::Within(0.02),
        ),
        (
            &JOINT,
            "Joint training is at most 5 points better than consolidation",
            Claimed::Above(-0.05),
        ),
    ];
    let others = summary.conditions.iter().filter_map(|other| {
        let rival = rivals
            .iter()
            .find(|(method, ..)| other.condition.is(method));
        let (_, statement, claimed) = rival?;
        let average = |run: Run| Some(run.average());
        Claim::about(
            *statement,
            format!(
                "test accuracy at the end, average over tasks, {} less {}",
                ours.condition.label(),
                other.condition.label()
            ),
            &differences([ours, other], average, average),
            *claimed,
        )
    });
    others.collect()
}

/// Figure 5.
pub(super) fn correlation_claims(summary: &Summary) -> Vec<Claim> {
    let mut claims = Vec::new();
    let plain = plain(summary);
    for condition in plain.into_iter().chain(of_method(summary, &SI)) {
        claims.extend(Claim::about(
            format!(
                "In the first layer, tasks are uncorrelated, with {}",
                condition.condition.label()
            ),
            "mean size of the correlation of two tasks' path integrals",
            &values(condition, |run| run.layer(1)?.mean_size()),
            Claimed::Below(0.1),
        ));
    }
    for consolidated in of_method(summary, &SI) {
        claims.extend(plain.and_then(|plain| {
            let correlation = |run: Run| run.correlation(2);
            Claim::about(
                "In the second layer, tasks are more correlated at c = 0 than with consolidation",
                format!("{MEASURE}, c = 0 less {}", consolidated.condition.label()),
                &differences([plain, consolidated], correlation, correlation),
                Claimed::Above(0.0),
            )
        }));
        claims.extend(Claim::about(
            "In the second layer, tasks are largely uncorrelated with consolidation",
            "mean size of the correlation of two tasks' path integrals",
            &values(consolidated, |run| run.layer(2)?.mean_size()),
            Claimed::Below(0.25),
        ));
    }
    claims.extend(plain.and_then(|plain| {
        Claim::about(
            "In the second layer, tasks become more correlated the more are learnt at c = 0",
            "correlation of the last two tasks less that of the first two",
            &values(plain, growth),
            Claimed::Above(0.0),
        )
    }));
    claims
}

const MEASURE: &str = "mean correlation of two tasks' path integrals";

/// How much more the last two tasks are correlated than the first two, in the second layer. `None`
/// if they are the same tasks.
fn growth(run: Run) -> Option<f64> {
    let matrix = &run.layer(2)?.matrix;
    let last = matrix.len().checked_sub(1).filter(|last| *last >= 2)?;
    Some(matrix[last][last - 1]? - matrix[1][0]?)
}
