/// A table of a Markdown page, row by row.
pub(crate) struct MarkdownTable {
    text: String,
}

/// How the cells of a column are aligned.
#[derive(Clone, Copy)]
pub(crate) enum Align {
    Left,
    /// As numbers are.
    Right,
}

impl MarkdownTable {
    /// A table without rows. Columns without an alignment have the last one.
    pub(crate) fn new(header: &[impl AsRef<str>], alignment: &[Align]) -> Self {
        let rule =
            (0..header.len()).map(|column| match alignment.get(column).or(alignment.last()) {
                Some(Align::Right) => "---:",
                Some(Align::Left) | None => "---",
            });
        let rule: Vec<&str> = rule.collect();
        let mut table = Self {
            text: String::new(),
        };
        table.row(header);
        table.text.push_str(&format!("|{}|\n", rule.join("|")));
        table
    }

    /// Adds a row. Its cells are Markdown: text is escaped by the caller.
    pub(crate) fn row(&mut self, cells: &[impl AsRef<str>]) {
        self.text.push('|');
        for cell in cells {
            self.text.push_str(&format!(" {} |", cell.as_ref()));
        }
        self.text.push('\n');
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_an_alignment_have_the_last_one() {
        let mut table = MarkdownTable::new(&["a", "b", "c"], &[Align::Left, Align::Right]);
        table.row(&["1", "", "3"]);
        assert_eq!(
            table.into_text(),
            "| a | b | c |\n|---|---:|---:|\n| 1 |  | 3 |\n"
        );
    }
}
