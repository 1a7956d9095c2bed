use super::{above_plain, of_method, plain};
use crate::claim::{Claim, values};
use crate::experiment::{ConditionSummary, Experiment, ExperimentConfig, Summary};
use crate::methods::SI;
use crate::metrics::{Claimed, Statistic};
use crate::report::Reference;

/// Figure 3.
pub(super) fn claims(config: &ExperimentConfig, summary: &Summary) -> Vec<Claim> {
    let mut claims = Vec::new();
    if Reference::departures(config).is_empty() {
        claims.extend(summary.conditions.iter().filter_map(as_in_the_paper));
    }
    let plain = plain(summary);
    for consolidated in of_method(summary, &SI) {
        claims.extend(plain.and_then(|plain| above_plain([consolidated, plain])));
        claims.extend(Claim::on_every_task(
            format!(
                "With {}, tasks lose no more than 5 points",
                consolidated.condition.label()
            ),
            "test accuracy at the end, less that right after the task",
            0..consolidated.num_tasks(),
            |task| {
                values(consolidated, |run| {
                    Some(run.at_end(task) - run.learnt(task))
                })
            },
            -0.05,
        ));
    }
    for task in 0..2 {
        claims.extend(plain.and_then(|plain| {
            let middle = |learnt: f64| 0.5 * (learnt + CHANCE);
            Claim::about(
                format!(
                    "Without consolidation, task {} falls towards chance, by more than half of the \
                     way",
                    task + 1
                ),
                "test accuracy at the end, less the middle between chance and what it was when \
                 just learnt",
                &values(plain, |run| {
                    Some(run.at_end(task) - middle(run.learnt(task)))
                }),
                Claimed::Below(0.0),
            )
        }));
    }
    claims
}

fn as_in_the_paper(condition: &ConditionSummary) -> Option<Claim> {
    let reference = Reference::of(Experiment::SplitMnist);
    let curve = reference.curve(&condition.condition)?;
    let paper = Statistic {
        n: reference.num_runs,
        mean: *curve.average_accuracy.get(condition.num_tasks() - 1)?,
        std: None,
        sem: None,
    };
    Claim::equals_paper(
        format!(
            "With {}, the average accuracy is the paper's",
            condition.condition.label()
        ),
        "training accuracy at the end, average over tasks",
        &values(condition, |run| Some(run.train_average())),
        paper,
        MARGIN + reference.reading_error,
    )
}

/// Accuracy of guessing one of two digits.
const CHANCE: f64 = 0.5;
/// Two points of accuracy, to which the reading error adds.
const MARGIN: f64 = 0.02;
