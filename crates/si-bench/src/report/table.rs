use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle,
};

use super::{
    Results,
    columns::Column,
    rows::{self, Row},
};

/// The results as a table for the terminal, at most 80 columns wide and without escape codes.
///
/// One column per condition; more conditions than fit go on in a table below. Numbers are in per
/// cent, as mean ± standard deviation over the seeds.
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

/// Columns of a terminal that has not been widened.
const WIDTH: u16 = 80;

/// Conditions side by side: three in parts of 16 columns beside the labels, or two in parts of 24
/// where a name needs them.
fn block_size(columns: &[Column]) -> usize {
    let lengths = columns.iter().flat_map(|column| {
        [column.run.unwrap_or_default(), &column.condition_name()].map(|name| name.chars().count())
    });
    if lengths.max().unwrap_or(0) > 14 {
        2
    } else {
        3
    }
}

const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

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
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(with_label(
            "",
            columns.iter().map(|column| column.name("\n")),
        ));
    for row in rows::rows(columns) {
        match row {
            Row::Heading(heading) => table.add_row([heading]),
            Row::Cells { label, cells } => table.add_row(with_label(&format!("  {label}"), cells)),
        };
    }
    if let Some(labels) = table.column_mut(0) {
        labels.set_constraint(ColumnConstraint::ContentWidth);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt() + "\n"
}

fn with_label(label: &str, cells: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once(label.to_string()).chain(cells).collect()
}

/// Breaks a note into lines that fit, between words.
fn wrap(note: &str) -> String {
    let mut text = String::new();
    let mut width = 0;
    for word in note.split(' ') {
        let length = word.chars().count() + 1;
        if width > 0 && width + length > usize::from(WIDTH) {
            text.push('\n');
            width = 0;
        }
        if width > 0 {
            text.push(' ');
        }
        text.push_str(word);
        width += length;
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
