use ::csv::{Terminator, WriterBuilder};

use super::Series;

/// The series as one table of comma-separated values (RFC 4180): a header, and a line for each point. Values that were
/// not measured are empty. The number of accuracy columns is the largest number of tasks of a series.
pub fn csv(series: &[Series]) -> String {
    let points = || series.iter().flat_map(|series| &series.points);
    let num_tasks = points().map(|point| point.accuracy.len()).max();
    let num_tasks = num_tasks.unwrap_or(0);
    let columns =
        |measure: &'static str| (1..=num_tasks).map(move |task| format!("{measure}_task_{task}"));

    let fixed = [
        "run",
        "experiment",
        "condition",
        "strength",
        "seed",
        "step",
        "task",
        "epoch",
        "task_loss",
        "penalty",
        "penalty_share",
        "average_accuracy",
        "train_average_accuracy",
    ];
    let header = fixed.map(String::from).into_iter();
    let mut lines = vec![
        header
            .chain(columns("accuracy"))
            .chain(columns("train_accuracy"))
            .collect(),
    ];
    for series in series {
        for point in &series.points {
            let cells = [
                series.run.clone(),
                series.experiment.name().to_string(),
                series.condition.clone(),
                series.strength.to_string(),
                series.seed.to_string(),
                point.step.to_string(),
                cell(point.task),
                cell(point.epoch),
                cell(point.task_loss),
                cell(point.penalty),
                cell(point.penalty_share),
                cell(point.average_accuracy),
                cell(point.train_average_accuracy),
            ];
            let accuracies = [&point.accuracy, &point.train_accuracy];
            let accuracies = accuracies
                .into_iter()
                .flat_map(|row| (0..num_tasks).map(|task| cell(row.get(task))));
            lines.push(cells.into_iter().chain(accuracies).collect());
        }
    }
    table(&lines)
}

fn cell(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// The lines, all of the same number of cells.
fn table(lines: &[Vec<String>]) -> String {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    for cells in lines {
        writer
            .write_record(cells)
            .expect("every line has as many cells as the header");
    }
    let bytes = writer.into_inner().expect("memory takes all bytes");
    String::from_utf8(bytes).expect("cells are text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_would_end_a_cell_is_quoted() {
        let cells = ["plain", "a,b", "say \"c\"", "two\nlines", "", "\r"];
        assert_eq!(
            table(&[cells.map(String::from).to_vec()]),
            "plain,\"a,b\",\"say \"\"c\"\"\",\"two\nlines\",,\"\r\"\r\n"
        );
    }
}
