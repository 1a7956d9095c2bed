use std::collections::BTreeSet;

use crate::experiment::{ChosenStrength, ConditionSummary};
use crate::metrics::Statistic;

use super::{
    Reference,
    columns::{Column, Paper},
    tasks,
};

/// A row of the table of results: a heading, or a measure with one cell per column.
pub(super) enum Row {
    Heading(&'static str),
    Cells { label: String, cells: Vec<String> },
}

/// The table of results, row by row, as text.
pub(super) fn rows(columns: &[Column]) -> Vec<Row> {
    let num_tasks = columns
        .iter()
        .map(|column| column.condition.num_tasks())
        .max()
        .unwrap_or(0);
    let names = common_task_names(columns);
    let task = |task: usize| match names.get(task) {
        Some(name) => format!("Task {} ({name})", task + 1),
        None => format!("Task {}", task + 1),
    };
    let measure = |label: &str, of: &dyn Fn(&Column) -> Option<Statistic>| Row::Cells {
        label: label.to_string(),
        cells: columns.iter().map(|column| percent(of(column))).collect(),
    };

    let mut rows = vec![Row::Cells {
        label: "Seeds".to_string(),
        cells: columns
            .iter()
            .map(|column| column.condition.seeds.len().to_string())
            .collect(),
    }];
    let is_search = columns
        .iter()
        .all(|column| column.config.num_held_out.is_some());
    let (at_end, over_sequence) = if is_search {
        (
            "Held-out accuracy at the end",
            "Held-out, over the sequence",
        )
    } else {
        ("Test accuracy at the end", "Test, over the sequence")
    };
    rows.push(Row::Heading(at_end));
    for index in 0..num_tasks {
        rows.push(measure(&task(index), &|column| {
            column.condition.final_accuracy.get(index)
        }));
    }
    rows.push(measure("Average", &|column| {
        column.condition.average_accuracy.last()
    }));

    rows.push(Row::Heading("Training accuracy at the end"));
    rows.push(measure("Average", &|column| {
        column.condition.train_average_accuracy.last()
    }));
    rows.push(Row::Cells {
        label: "Average in the paper".to_string(),
        cells: columns.iter().map(paper).collect(),
    });

    rows.push(Row::Heading(over_sequence));
    rows.push(measure("Learning accuracy", &|column| {
        Some(column.condition.learning_accuracy)
    }));
    rows.push(measure("Backward transfer", &|column| {
        column.condition.backward_transfer
    }));
    rows.push(measure("Forward transfer", &|column| {
        column.condition.forward_transfer
    }));
    rows.push(measure("Forgetting", &|column| column.condition.forgetting));

    if columns.iter().any(has_choices) {
        rows.push(Row::Heading("Strength that chf chose"));
        rows.extend((1..num_tasks).map(|index| Row::Cells {
            label: task(index),
            cells: columns.iter().map(|it| strengths(it, index)).collect(),
        }));
    }
    rows
}

fn has_choices(column: &Column) -> bool {
    !column.condition.chosen_strengths.is_empty()
}

/// The strengths with which `task` was learnt: the smallest and the largest over the seeds.
fn strengths(column: &Column, task: usize) -> String {
    let choices = column.condition.chosen_strengths.iter().flatten();
    let of_task = choices.filter(|choice| choice.task == task);
    let mut strengths: Vec<f64> = of_task.filter_map(ChosenStrength::strength).collect();
    strengths.sort_by(f64::total_cmp);
    match &strengths[..] {
        [] => "–".to_string(),
        [first, .., last] if first != last => {
            format!("{} to {}", significant(*first), significant(*last))
        }
        [first, ..] => significant(*first),
    }
}

/// A number with three significant digits.
fn significant(number: f64) -> String {
    let rounded: f64 = format!("{number:.2e}").parse().unwrap_or(number);
    rounded.to_string()
}

/// Notes below the table.
pub(super) fn notes(columns: &[Column]) -> Vec<String> {
    let mut notes = Vec::new();
    for column in columns {
        let note = match column.paper() {
            Paper::Accuracy(_) => {
                let reference = Reference::of(column.config.experiment);
                format!(
                    "the paper's average is from {}: {}, {} runs, read off to ± {:.1} points",
                    reference.title,
                    reference.measure,
                    reference.num_runs,
                    100.0 * reference.reading_error,
                )
            }
            Paper::OtherProtocol => format!(
                "{}: not the paper's protocol ({}), so its average is left out",
                column.run.unwrap_or("this run"),
                Reference::departures(column.config).join(", "),
            ),
            Paper::Absent => continue,
        };
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    let processors = columns.iter().flat_map(|it| &it.condition.processors);
    notes.extend(several_processors(processors));
    notes.extend(columns.iter().filter_map(refused));
    notes.extend(
        columns
            .iter()
            .flat_map(|column| warnings(&column.name(" "), column.condition)),
    );
    notes
}

/// That the runs were made on different processors. `None` if they were not, as far as is known.
pub(crate) fn several_processors<'a>(
    processors: impl Iterator<Item = &'a String>,
) -> Option<String> {
    let processors: BTreeSet<&str> = processors.map(String::as_str).collect();
    (processors.len() > 1).then(|| {
        let processors: Vec<&str> = processors.into_iter().collect();
        format!(
            "the runs were made on different processors ({}): do not compare their times, and expect the last digits to \
             depend on the processor",
            processors.join(", ")
        )
    })
}

/// The tasks in which no strength let the new task be learnt well enough. `None` without any.
fn refused(column: &Column) -> Option<String> {
    let condition = &column.condition;
    let runs = condition.seeds.iter().zip(&condition.chosen_strengths);
    let refused = runs.flat_map(|(seed, choices)| {
        let refused = choices.iter().filter(|choice| !choice.is_accepted());
        refused.map(move |choice| format!("task {} at seed {seed}", choice.task + 1))
    });
    let refused: Vec<String> = refused.collect();
    (!refused.is_empty()).then(|| {
        format!(
            "{}: no strength was accepted in {}, so the last one tried was kept",
            column.name(" "),
            refused.join(", ")
        )
    })
}

/// Warnings about runs of `condition`, called `name`, that went wrong.
pub(crate) fn warnings(name: &str, condition: &ConditionSummary) -> Vec<String> {
    let wrong = [
        (
            &condition.diverged_seeds,
            "training diverged, with a loss that is not finite, at seed",
            "lower the learning rate or the strength",
        ),
        (
            &condition.inert_seeds,
            "consolidation had no effect in some task at seed",
            "every importance was zero, or nothing that matters moved",
        ),
    ];
    let wrong = wrong.into_iter().filter(|(seeds, ..)| !seeds.is_empty());
    wrong
        .map(|(seeds, what, hint)| {
            let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
            format!("warning: {name}: {what} {}: {hint}", seeds.join(", "))
        })
        .collect()
}

/// The tasks' names if all columns have the same ones, otherwise none.
pub(super) fn common_task_names(columns: &[Column]) -> Vec<String> {
    let mut names = columns
        .iter()
        .map(|column| tasks::task_names(column.config));
    let first = names.next().unwrap_or_default();
    if names.all(|other| other == first) {
        first
    } else {
        Vec::new()
    }
}

fn paper(column: &Column) -> String {
    match column.paper() {
        Paper::Accuracy(accuracy) => number(accuracy),
        Paper::OtherProtocol => "other protocol".to_string(),
        Paper::Absent => "–".to_string(),
    }
}

/// `mean ± std` in per cent.
pub(crate) fn percent(statistic: Option<Statistic>) -> String {
    match statistic {
        None => "–".to_string(),
        Some(Statistic {
            mean, std: None, ..
        }) => number(mean),
        Some(Statistic {
            mean,
            std: Some(std),
            ..
        }) => {
            format!("{} ± {}", number(mean), number(std))
        }
    }
}

pub(crate) fn number(share: f64) -> String {
    // Small negative numbers are rounded to −0.00. Adding zero turns this into 0.00.
    format!("{:.2}", (share * 1e4).round() / 1e2 + 0.0)
}
