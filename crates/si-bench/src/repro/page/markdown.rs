use super::super::chapter::{Chapter, Table};
use super::{INTRODUCTION, READING, TITLE, tally};
use crate::claim::{cells, header};
use crate::report::{Align, MarkdownTable};

/// The report as Markdown, which links to its figures.
pub(super) fn page(chapters: &[Chapter]) -> String {
    let mut page = format!(
        "# {TITLE}\n\n{INTRODUCTION} Made by `cargo xtask repro`; nothing here is typed by hand.\n\n\
         **{}.** Where we depart from the paper is listed in \
         `docs/deviations.md`. The commands are those of a clone, with paths from this folder.\n\n{READING}\n",
        tally(chapters)
    );
    for chapter in chapters {
        page.push_str(&format!("\n## {}\n\n", chapter.title));
        let facts = chapter.facts.iter();
        let facts: Vec<String> = facts
            .map(|(name, value)| format!("- {name}: {}", fact(name, value)))
            .collect();
        page.push_str(&facts.join("\n"));
        page.push('\n');
        for picture in &chapter.pictures {
            page.push_str(&format!(
                "\n![{caption}]({})\n\n{caption}.\n",
                picture.path,
                caption = picture.caption
            ));
        }
        for table in &chapter.tables {
            page.push_str(&format!("\n{}.\n\n{}", table.caption, rows(table)));
        }
        if !chapter.claims.is_empty() {
            page.push_str(&format!(
                "\n{}",
                rows(&Table {
                    caption: String::new(),
                    header: header("paper").to_vec(),
                    rows: chapter
                        .claims
                        .iter()
                        .map(|claim| cells(claim).to_vec())
                        .collect(),
                })
            ));
        }
    }
    page
}

fn fact(name: &str, value: &str) -> String {
    match name {
        "command" => format!("`{value}`"),
        _ => value.to_string(),
    }
}

fn rows(table: &Table) -> String {
    let escaped = |cells: &[String]| {
        let cells = cells.iter().map(|cell| cell.replace('|', "\\|"));
        cells.collect::<Vec<_>>()
    };
    let mut text = MarkdownTable::new(&escaped(&table.header), &[Align::Left]);
    for cells in &table.rows {
        text.row(&escaped(cells));
    }
    text.into_text()
}
