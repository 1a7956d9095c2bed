use crate::claim::{cells, header};
use crate::report::{Align, MarkdownTable, escape, percent};

use super::Comparison;
use super::figures::FIGURES;
use super::notes::notes;
use super::table::{Columns, EXPECTATIONS, columns};

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
    let [results, costs] = columns(comparison, |it| percent(Some(it)));
    page.push_str("## Results\n\n");
    page.push_str(&table(comparison, &results));
    page.push_str("\n## Cost\n\n");
    page.push_str(&table(comparison, &costs));
    if !comparison.claims.is_empty() {
        page.push_str(&format!("\n## {EXPECTATIONS}\n\n{CLAIMS}\n\n"));
        let mut table = MarkdownTable::new(&header("published"), &[Align::Left]);
        for claim in &comparison.claims {
            table.row(&cells(claim).map(|cell| escape(&cell)));
        }
        page.push_str(&table.into_text());
    }
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

const CLAIMS: &str = "From van de Ven and Tolias (2019) and Hsu et al. (2018). A claim is tested by the 90 % interval of a \
    difference (two one-sided tests at 5 %). It holds if the whole interval agrees with it, and does not hold if the whole \
    interval disagrees. Otherwise it is undecided. With one seed there is no interval, and the verdict only says whether it was so in that \
    run. Methods are compared seed by seed. With few tasks, epochs or images, a claim need not hold.";

fn table(comparison: &Comparison, columns: &Columns) -> String {
    let header = columns.header.iter().map(|it| it.whole);
    let header: Vec<&str> = ["method"].into_iter().chain(header).collect();
    let mut table = MarkdownTable::new(&header, &[Align::Left, Align::Right]);
    for (method, cells) in comparison.methods.iter().zip(&columns.rows) {
        let label = [escape(&method.marked_label())];
        table.row(&[&label[..], cells].concat());
    }
    table.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::testing;
    use crate::metrics::Statistic;

    #[test]
    fn page_has_both_tables_the_notes_and_the_figures() {
        let comparison = testing::comparison();
        let page = markdown(&comparison);
        for part in [
            "| method | average accuracy | forgetting | backward transfer | learning accuracy | min-ACC |\n\
             |---|---:|---:|---:|---:|---:|\n",
            "| floats kept per parameter | bytes kept | extra forward passes |",
            "| si (c ≥ 10) | 2.00 | 100 kB | 0.00 | 0.00 | 0 | 42.",
            "- left out: progressive: ",
            "## What publications lead us to expect\n",
            "| claim | measured | ours, in points | published | difference [90 %], and what is claimed of it | verdict |\n",
            "| si (c = 10) is better than none (c = 0) by more than 2.0 points | average test accuracy",
            "](accuracy.svg)",
            "](stability.svg)",
            "](memory.svg)",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }

    #[test]
    fn a_published_number_stands_beside_ours() {
        let mut comparison = testing::comparison();
        assert!(!markdown(&comparison).contains("| published | forgetting |"));
        comparison.methods[1].published = Statistic::new(&[0.97, 0.99]);
        let page = markdown(&comparison);
        assert!(page.contains("| method | average accuracy | published | forgetting |"));
        let cell = |label: &str| {
            let row = page.lines().find(|line| line.starts_with(label));
            row.expect("a row of results").split(" | ").nth(2)
        };
        assert_eq!(cell("| si (c ≥ 10) |"), Some("98.00 ± 1.41"));
        assert_eq!(cell("| none (c = 0) |"), Some("–"));
    }
}
