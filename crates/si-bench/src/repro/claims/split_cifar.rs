use super::{above_plain, falls_with_age, is_similar, of_method, plain};
use crate::claim::{Claim, differences, values};
use crate::experiment::{ConditionSummary, Experiment, ExperimentConfig, Summary};
use crate::methods::{SCRATCH, SI};
use crate::metrics::{Claimed, Statistic};
use crate::report::Reference;

/// Figure 6.
pub(super) fn claims(config: &ExperimentConfig, summary: &Summary) -> Vec<Claim> {
    let mut claims = Vec::new();
    if Reference::departures(config).is_empty() {
        for condition in &summary.conditions {
            let tasks = 0..condition.num_tasks();
            claims.extend(tasks.filter_map(|task| as_in_the_paper(condition, task)));
        }
    }
    let plain = plain(summary);
    claims.extend(plain.and_then(falls_with_age));
    for consolidated in of_method(summary, &SI) {
        claims.extend(plain.and_then(|plain| above_plain([consolidated, plain])));
        claims.extend(is_similar(consolidated));
        for scratch in of_method(summary, &SCRATCH) {
            claims.extend(beside_scratch(consolidated, scratch));
        }
    }
    claims
}

/// The tasks of CIFAR-100, with consolidation at the end and from scratch right after them.
fn beside_scratch(ours: &ConditionSummary, scratch: &ConditionSummary) -> Vec<Claim> {
    let later = 1..ours.num_tasks();
    let label = ours.condition.label();
    let on_test = Claim::on_every_task(
        format!("On the tasks of CIFAR-100, {label} is at most a point below from scratch"),
        "test accuracy at the end, less that from scratch",
        later.clone(),
        |task| {
            differences(
                [ours, scratch],
                |run| Some(run.at_end(task)),
                |run| Some(run.learnt(task)),
            )
        },
        -0.01,
    );
    let on_train = Claim::on_every_task(
        format!("On their training images, from scratch is above {label}"),
        "training accuracy from scratch, less that at the end",
        later.clone(),
        |task| {
            differences(
                [scratch, ours],
                |run| Some(run.train().rows()[task][task]),
                |run| Some(run.train().last()[task]),
            )
        },
        0.0,
    );
    let by_task: Vec<Vec<f64>> = later
        .map(|task| {
            differences(
                [ours, scratch],
                |run| Some(run.at_end(task)),
                |run| Some(run.learnt(task)),
            )
        })
        .collect();
    let num_seeds = by_task.iter().map(Vec::len).min().unwrap_or(0);
    let by_task = &by_task;
    let of_seed = |seed: usize| by_task.iter().map(move |task| task[seed]);
    let means: Vec<f64> = (0..num_seeds)
        .map(|seed| of_seed(seed).sum::<f64>() / by_task.len() as f64)
        .collect();
    let on_average = Claim::about(
        format!("On average over the tasks of CIFAR-100, {label} is above from scratch"),
        "test accuracy at the end, less that from scratch",
        &means,
        Claimed::Above(0.0),
    );
    let spreads: Vec<f64> = (0..num_seeds)
        .map(|seed| of_seed(seed).fold(f64::MIN, f64::max) - of_seed(seed).fold(f64::MAX, f64::min))
        .collect();
    let corrected = Claim::about(
        format!(
            "Corrected for how hard the tasks of CIFAR-100 are, accuracy with {label} is similar \
             across them: none is 10 points below another"
        ),
        "test accuracy at the end, less that from scratch, best task less worst",
        &spreads,
        Claimed::Below(0.1),
    );
    on_test
        .into_iter()
        .chain(on_average)
        .chain(on_train)
        .chain(corrected)
        .collect()
}

fn as_in_the_paper(condition: &ConditionSummary, task: usize) -> Option<Claim> {
    let reference = Reference::of(Experiment::SplitCifar);
    let curve = reference.curve(&condition.condition)?;
    let std = *curve.final_accuracy_std.get(task)?;
    let paper = Statistic {
        n: reference.num_runs,
        mean: *curve.final_accuracy.get(task)?,
        std: Some(std),
        sem: Some(std / (reference.num_runs as f64).sqrt()),
    };
    let is_scratch = condition.condition.is(&SCRATCH);
    Claim::equals_paper(
        format!(
            "With {}, accuracy on task {} is the paper's, to 3 points",
            condition.condition.label(),
            task + 1
        ),
        if is_scratch {
            "test accuracy right after the task"
        } else {
            "test accuracy at the end"
        },
        &values(condition, |run| {
            if is_scratch {
                Some(run.learnt(task))
            } else {
                Some(run.at_end(task))
            }
        }),
        paper,
        0.03,
    )
}
