use crate::report::escape;

use super::figures::FIGURES;
use super::notes::notes;
use super::table::{COSTS, Header, RESULTS, costs, results};
use super::{ComparedMethod, Comparison};

/// The comparison as a Markdown page: tables, notes, and the figures, which are in the same folder.
pub fn markdown(comparison: &Comparison) -> String {
    let mut page = format!(
        "# {}: comparison of methods\n\n",
        comparison.experiment.name()
    );
    if comparison.methods.is_empty() {
        page.push_str("No runs are finished yet.\n");
        return page;
    }
    page.push_str("## Results\n\n");
    page.push_str(&table(comparison, &RESULTS, results));
    page.push_str("\n## Cost\n\n");
    page.push_str(&table(comparison, &COSTS, costs));
    page.push_str("\n## Notes\n\n");
    for note in notes(comparison) {
        page.push_str(&format!("- {}\n", escape(&note)));
    }
    page.push_str("\n## Figures\n");
    for figure in FIGURES {
        let (name, caption) = (figure.name, figure.caption);
        page.push_str(&format!("\n![{caption}]({name}.svg)\n\n{caption}.\n"));
    }
    page
}

fn table(
    comparison: &Comparison,
    header: &[Header],
    cells: fn(&ComparedMethod) -> Vec<String>,
) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let header = header.iter().map(|it| it.whole);
    let header: Vec<String> = ["method"]
        .into_iter()
        .chain(header)
        .map(str::to_string)
        .collect();
    let mut text = line(&header);
    text.push_str(&format!("|---|{}\n", "---:|".repeat(header.len() - 1)));
    for method in &comparison.methods {
        let mut row = vec![escape(&method.label)];
        row.extend(cells(method));
        text.push_str(&line(&row));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::testing;

    #[test]
    fn page_has_both_tables_the_notes_and_the_figures() {
        let comparison = testing::comparison();
        let page = markdown(&comparison);
        for part in [
            "| method | average accuracy | forgetting | backward transfer | learning accuracy | min-ACC |\n\
             |---|---:|---:|---:|---:|---:|\n",
            "| floats kept per parameter | bytes kept | extra forward passes |",
            "| si (c = 10) | 2.00 | 100 kB | 0.00 | 0.00 | 0 | 42.",
            "- left out: progressive: ",
            "](accuracy.svg)",
            "](stability.svg)",
            "](memory.svg)",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
}
