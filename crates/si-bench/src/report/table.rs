use super::{
    Results,
    columns::Column,
    rows::{self, Row},
    terminal::{terminal_table, wrap},
};

/// The results as a table for the terminal, at most 80 columns wide and without escape codes.
///
/// One column per condition. If there are too many conditions, the rest follow in another table
/// below. Numbers are in per cent, as mean ± standard deviation over the seeds.
pub fn table(results: &[Results]) -> String {
    let columns = Column::all(results);
    let Some(title) = title(results) else {
        return "no runs to report\n".to_string();
    };
    if columns.is_empty() {
        return format!("{title}: no finished runs\n");
    }
    let mut text = format!("{title}, in %, mean ± standard deviation over seeds\n");
    for block in columns.chunks(block_size(&columns)) {
        text.push('\n');
        text.push_str(&render(block));
    }
    let notes = rows::notes(&columns);
    if !notes.is_empty() {
        text.push('\n');
    }
    for note in notes {
        text.push_str(&wrap(&note));
    }
    text
}

/// Number of conditions side by side: three with 16 columns each, or two with 24 columns each if a
/// name needs that.
fn block_size(columns: &[Column]) -> usize {
    let lengths = columns.iter().flat_map(|column| {
        [
            column.run.unwrap_or_default(),
            &column.condition.condition.label(),
        ]
        .map(|name| name.chars().count())
    });
    if lengths.max().unwrap_or(0) > 14 {
        2
    } else {
        3
    }
}

fn title(results: &[Results]) -> Option<String> {
    let names = |of: fn(&Results) -> String| {
        let mut names: Vec<String> = results.iter().map(of).collect();
        names.dedup();
        names.join(", ")
    };
    (!results.is_empty()).then(|| {
        format!(
            "{} on {}",
            names(|results| results.config.experiment.name().to_string()),
            names(|results| results.summary.device.clone()),
        )
    })
}

fn render(columns: &[Column]) -> String {
    let header = with_label("", columns.iter().map(|column| column.name("\n")));
    let mut table = terminal_table(header);
    for row in rows::rows(columns) {
        match row {
            Row::Heading(heading) => table.add_row([heading]),
            Row::Cells { label, cells } => table.add_row(with_label(&format!("  {label}"), cells)),
        };
    }
    table.trim_fmt() + "\n"
}

fn with_label(label: &str, cells: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once(label.to_string()).chain(cells).collect()
}

#[cfg(test)]
mod tests;
