mod permuted_mnist;
mod split_cifar;
mod split_mnist;

use crate::claim::{Claim, Run, differences, values};
use crate::experiment::{ConditionSummary, ExperimentConfig, Summary};
use crate::methods::{Method, NONE};
use crate::metrics::Claimed;

use super::Part;

/// The paper's claims in one part, tested on the runs of `summary`. Claims about conditions without
/// a run are left out. If `config` differs from the paper's protocol, the paper's numbers are left
/// out too.
pub fn claims(part: Part, config: &ExperimentConfig, summary: &Summary) -> Vec<Claim> {
    match part {
        Part::Figure1 | Part::Figure2 | Part::Theory => Vec::new(),
        Part::Figure3 => split_mnist::claims(config, summary),
        Part::Figure4 => permuted_mnist::claims(config, summary),
        Part::Figure5 => permuted_mnist::correlation_claims(summary),
        Part::Figure6 => split_cifar::claims(config, summary),
    }
}

/// The condition without consolidation.
fn plain(summary: &Summary) -> Option<&ConditionSummary> {
    of_method(summary, &NONE).next()
}

fn of_method<'a>(
    summary: &'a Summary,
    method: &'a Method,
) -> impl Iterator<Item = &'a ConditionSummary> {
    let conditions = summary.conditions.iter();
    conditions.filter(move |one| one.condition.is(method))
}

/// Consolidation is above c = 0 on every task but the last.
fn above_plain(pair: [&ConditionSummary; 2]) -> Option<Claim> {
    let old = 0..pair[0].num_tasks().saturating_sub(1);
    Claim::on_every_task(
        format!(
            "On every task but the last, {} is above c = 0",
            pair[0].condition.label()
        ),
        "test accuracy at the end, less that at c = 0",
        old,
        |task| {
            differences(
                pair,
                |run| Some(run.at_end(task)),
                |run| Some(run.at_end(task)),
            )
        },
        0.0,
    )
}

/// How much accuracy at the end differs between tasks.
fn is_similar(condition: &ConditionSummary) -> Option<Claim> {
    let spread = |run: Run| {
        let last = run.test().last();
        let high = last.iter().copied().fold(f64::MIN, f64::max);
        let low = last.iter().copied().fold(f64::MAX, f64::min);
        Some(high - low)
    };
    Claim::about(
        format!(
            "With {}, accuracy is similar across tasks: none is 10 points below another",
            condition.condition.label()
        ),
        "test accuracy at the end, best task less worst",
        &values(condition, spread),
        Claimed::Below(0.1),
    )
}

/// How much accuracy at the end falls with the age of a task.
fn falls_with_age(condition: &ConditionSummary) -> Option<Claim> {
    let last = condition
        .num_tasks()
        .checked_sub(1)
        .filter(|last| *last > 0)?;
    Claim::about(
        format!(
            "With {}, accuracy falls with a task's age, by more than 10 points",
            condition.condition.label()
        ),
        "test accuracy at the end, newest task less oldest",
        &values(condition, |run| Some(run.at_end(last) - run.at_end(0))),
        Claimed::Above(0.1),
    )
}

#[cfg(test)]
mod tests;
