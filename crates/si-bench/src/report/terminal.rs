use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle,
};

/// An empty table of numbers for the terminal, within 80 columns and without escape codes. The first column has labels
/// and fits their width. The other columns have right-aligned numbers.
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

/// The usual width of a terminal, in columns.
const WIDTH: u16 = 80;

const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Breaks a note into lines that fit the terminal.
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
