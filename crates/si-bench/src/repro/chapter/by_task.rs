//! Split CIFAR, task by task, beside the numbers stored by the authors.

use crate::experiment::{ConditionSummary, Experiment, Summary};
use crate::methods::{Method, NONE, SCRATCH, SI};
use crate::metrics::Statistics;
use crate::report::{Curve, Reference};

use super::{Chapter, Part, Table, words};
use crate::report::percent;

/// Test accuracy on each task at the end, ours and the authors'.
pub(super) fn accuracies(summary: &Summary) -> Table {
    let reference = Reference::of(Experiment::SplitCifar);
    let num_tasks = summary.conditions.iter().map(ConditionSummary::num_tasks);
    let num_tasks = num_tasks.max().unwrap_or(0);
    let mut rows = Vec::new();
    for condition in &summary.conditions {
        let label = condition.condition.label();
        rows.push([vec![label.clone()], of_tasks(&condition.final_accuracy)].concat());
        if let Some(curve) = reference.curve(&condition.condition) {
            let theirs = curve.final_accuracy.iter().zip(&curve.final_accuracy_std);
            let theirs = theirs
                .map(|(mean, std)| format!("{:.2} ± {:.2}", 100.0 * mean, 100.0 * std))
                .collect();
            rows.push([vec![format!("{label}, the authors'")], theirs].concat());
        }
    }
    Table {
        caption: "Test accuracy on each task after the last one (from scratch: right after its own), \
                  in %, mean ± standard deviation, above the numbers that the authors have stored of \
                  the full protocol"
            .to_string(),
        header: header("condition", num_tasks),
        rows,
    }
}

/// The paper's claims, tested on the numbers stored by its authors.
pub(super) fn of_the_authors() -> Chapter {
    let reference = Reference::of(Experiment::SplitCifar);
    let of_method = |method: &'static Method| {
        let curves = reference.curves.iter();
        curves.filter(move |one| one.method.is(method))
    };
    let mut rows = Vec::new();
    for ours in of_method(&SI) {
        for (others, name) in [(&NONE, "c = 0"), (&SCRATCH, "from scratch")] {
            for other in of_method(others) {
                let difference = |on: &str, of: fn(&Curve) -> &Vec<f64>| {
                    let pairs = of(ours).iter().zip(of(other));
                    let points =
                        pairs.map(|(ours, other)| format!("{:+.1}", 100.0 * (ours - other)));
                    let label = format!("c = {} less {name}, {on}", ours.method.given()["c"]);
                    [vec![label], points.collect()].concat()
                };
                rows.push(difference("test", |curve| &curve.final_accuracy));
                rows.push(difference("training", |curve| &curve.final_train_accuracy));
            }
        }
    }
    let num_tasks = rows.first().map_or(0, |row| row.len() - 1);
    Chapter {
        title: format!("{}, the authors' own numbers", Part::Figure6.title()),
        facts: vec![("source".to_string(), reference.source.clone())],
        pictures: Vec::new(),
        tables: vec![Table {
            caption: "What the claims come to on the authors' means, in points. The paper claims that \
                      no difference on test is negative but for the last task against c = 0 and the \
                      first against from scratch, and that those on training against from scratch \
                      are. That is so at the c = 0.01 that its figure was drawn with, and not at the \
                      c = 0.1 of its text"
                .to_string(),
            header: header("difference", num_tasks),
            rows,
        }],
        claims: Vec::new(),
    }
}

fn of_tasks(statistics: &Statistics) -> Vec<String> {
    let each = (0..statistics.mean.len()).filter_map(|task| statistics.get(task));
    each.map(|it| percent(Some(it))).collect()
}

fn header(first: &str, num_tasks: usize) -> Vec<String> {
    let tasks = (1..=num_tasks).map(|task| format!("task {task}"));
    words(&[first]).into_iter().chain(tasks).collect()
}
