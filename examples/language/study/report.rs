//! The page about the study.

use std::fmt::Write;

use crate::method::{ALPHA, FULL_LEARNING_RATE, LEARNING_RATE, Method, RANK};
use crate::records::Record;
use crate::tasks::{INSTALL, Task};
use crate::text::MAX_LENGTH;
use crate::training::{BATCH_SIZE, NUM_EPOCHS, NUM_FISHER, NUM_KEPT, NUM_REPLAYED};
use crate::{NUM_HELD_OUT, SEEDS, last_average};

/// A method, and its runs with the strength that was chosen.
pub(crate) struct Row {
    pub(crate) method: &'static Method,
    pub(crate) strength: f64,
    pub(crate) runs: Vec<Record>,
}

impl Row {
    /// A number of each run, in percent.
    pub(crate) fn percent(&self, number: impl Fn(&Record) -> f64) -> Vec<f64> {
        self.runs.iter().map(|run| 100.0 * number(run)).collect()
    }

    /// The name, with the strength if there was one to choose.
    pub(crate) fn name(&self) -> String {
        match self.method.strengths {
            [_] => self.method.name.to_string(),
            _ => format!("{} ({})", self.method.name, self.strength),
        }
    }
}

pub(crate) fn page(tasks: &[Task], rows: &[Row], search: &[&Record]) -> String {
    let mut page = introduction(tasks);
    results(&mut page, tasks, rows);
    matrices(&mut page, tasks, rows);
    searches(&mut page, search);
    page
}

fn introduction(tasks: &[Task]) -> String {
    let [train, test] = [tasks[0].train.len(), tasks[0].test.len()];
    let names: Vec<String> = tasks
        .iter()
        .map(|task| format!("{} ({} classes)", task.name, task.num_classes))
        .collect();
    format!(
        "# A pretrained transformer, four tasks\n\n\
         all-MiniLM-L6-v2 learns four tasks of text classification, one after the other. Written by `language_study`; \
         nothing here is typed by hand. [The book](../../language.md) says what the tasks are and what follows.\n\n\
         ```sh\n{}\nRAYON_NUM_THREADS=1 cargo run -p si-examples --bin language_study --features language -- \\\n    \
         target/language docs/results/language\n```\n\n\
         - Tasks, in order: {}. Each has {train} training and {test} test examples, and a head that is told the task.\n\
         - Epochs per task: {NUM_EPOCHS}. Minibatches of {BATCH_SIZE}, Adam with a learning rate of {LEARNING_RATE}, or \
         {FULL_LEARNING_RATE} for pretrained weights. A new optimizer for each task. No dropout.\n\
         - The three lower layers stay as they are under every method, so what they compute is computed once. Texts are \
         cut off after {MAX_LENGTH} tokens.\n\
         - LoRA: rank {RANK}, α = {ALPHA}, on the weights of queries and values in the three upper layers. *All weights* \
         trains all of these layers. *Heads alone* trains only the heads.\n\
         - Online EWC: Fisher information of {NUM_FISHER} examples at each task's end, labels sampled, decay 1. Replay: \
         {NUM_KEPT} examples of each task are kept, and each step adds {NUM_REPLAYED} of one earlier task.\n\
         - A strength is in brackets. It was chosen by one run for each value, with {NUM_HELD_OUT} training examples of \
         each task held out; of equal ones, the smaller. No run of the search saw a test example. The search cannot tell \
         strengths apart that differ by a few points.\n\
         - Mean ± standard deviation over {} seeds, which differ in heads, adapters and the order of examples.\n\n",
        INSTALL.replace("FOLDER", "target/language"),
        names.join(", "),
        SEEDS.len()
    )
}

fn results(page: &mut String, tasks: &[Task], rows: &[Row]) {
    page.push_str("## Results\n\nTest accuracy in % after the last task. Forgetting: how far the earlier tasks fell from \
         their best. Learning accuracy: on each task right after it.\n\n| method | average |");
    for task in tasks {
        let _ = write!(page, " {} |", task.name);
    }
    page.push_str(" forgetting | learning accuracy | numbers trained |\n|---|");
    page.push_str(&"---:|".repeat(tasks.len() + 4));
    page.push('\n');
    for row in rows {
        let _ = write!(
            page,
            "| {} | **{}** |",
            row.name(),
            spread(&row.percent(last_average))
        );
        for task in 0..tasks.len() {
            let accuracies = row.percent(|run| run.accuracy.last()[task]);
            let _ = write!(page, " {} |", spread(&accuracies));
        }
        let forgetting = row.percent(|run| run.accuracy.forgetting().unwrap_or_default());
        let learning = row.percent(|run| run.accuracy.learning_accuracy());
        let _ = writeln!(
            page,
            " {} | {} | {} |",
            spread(&forgetting),
            spread(&learning),
            row.runs.first().map_or(0, |run| run.num_trained)
        );
    }
    page.push_str("\n![Average accuracy after the last task, a dot per seed and a line at the mean](figure.svg)\n\n");
}

fn matrices(page: &mut String, tasks: &[Task], rows: &[Row]) {
    page.push_str("## Accuracy matrices\n\nTest accuracy in %, mean over seeds. A task that was not learnt yet has an \
         untrained head.\n");
    for row in rows {
        let _ = writeln!(page, "\n{}:\n", row.name());
        page.push_str("| after |");
        for task in tasks {
            let _ = write!(page, " {} |", task.name);
        }
        let _ = writeln!(page, "\n|---|{}", "---:|".repeat(tasks.len()));
        for (after, task) in tasks.iter().enumerate() {
            let _ = write!(page, "| {} |", task.name);
            for on in 0..tasks.len() {
                let accuracies = row.percent(|run| run.accuracy.rows()[after][on]);
                let _ = write!(page, " {:.1} |", mean(&accuracies));
            }
            page.push('\n');
        }
    }
}

fn searches(page: &mut String, search: &[&Record]) {
    page.push_str("\n## Search\n\nAverage accuracy in % on held-out examples after the last task, one run each.\n\n\
         | method | strength | average | forgetting |\n|---|---:|---:|---:|\n");
    for run in search {
        let _ = writeln!(
            page,
            "| {} | {} | {:.1} | {:.1} |",
            run.method,
            run.strength,
            100.0 * last_average(run),
            100.0 * run.accuracy.forgetting().unwrap_or_default()
        );
    }
}

/// Mean ± standard deviation.
fn spread(values: &[f64]) -> String {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (squares / (values.len() as f64 - 1.0)).sqrt();
    format!("{mean:.1} ± {deviation:.1}")
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
