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
    let mut text = line(
        header
            .chain(columns("accuracy"))
            .chain(columns("train_accuracy")),
    );
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
            text.push_str(&line(cells.into_iter().chain(accuracies)));
        }
    }
    text
}

fn cell(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.map(quoted).collect();
    cells.join(",") + "\r\n"
}

/// Quotes the text if it contains characters that would end the cell, and doubles its own quotes.
fn quoted(text: String) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_would_end_a_cell_should_be_quoted() {
        let cells = ["plain", "a,b", "say \"c\"", "two\nlines", "", "\r"];
        assert_eq!(
            line(cells.map(String::from).into_iter()),
            "plain,\"a,b\",\"say \"\"c\"\"\",\"two\nlines\",,\"\r\"\r\n"
        );
    }
}
