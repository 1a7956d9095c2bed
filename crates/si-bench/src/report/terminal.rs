use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle,
};

/// A table of numbers for the terminal, without rows yet: labels in the first column, as wide as they
/// are, and numbers to the right in the others, within 80 columns and without escape codes.
pub(crate) fn terminal_table(header: Vec<String>) -> Table {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(header);
    if let Some(labels) = table.column_mut(0) {
        labels.set_constraint(ColumnConstraint::ContentWidth);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Columns of a terminal that has not been widened.
const WIDTH: u16 = 80;

const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Breaks a note into lines that fit, between words.
pub(crate) fn wrap(note: &str) -> String {
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
