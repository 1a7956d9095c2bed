use crate::report::{Align, MarkdownTable, escape, number};

use super::figure::CAPTION;
use super::notes::notes;
use super::table::{cells, header, numbers};
use super::{Configuration, Frontier};

/// The frontiers as a Markdown page: the figure, which is in the same folder, tables and notes.
pub fn markdown(frontier: &Frontier) -> String {
    let mut page =
        format!("# Possibilities frontier\n\n![{CAPTION}](frontier.svg)\n\n{CAPTION}.\n");
    page.push_str("\n## Networks\n\n");
    page.push_str(&networks(frontier));
    page.push_str("\n## Findings of the paper\n\n");
    page.push_str(&findings(frontier));
    page.push_str("\n## Notes\n\n");
    for note in notes(frontier) {
        page.push_str(&format!("- {}\n", escape(&note)));
    }
    page.push_str("\n## Points of the frontiers\n\n");
    page.push_str(&points(frontier));
    page.push_str("\n## Configurations\n\n");
    page.push_str(&configurations(&frontier.configurations));
    page
}

fn networks(frontier: &Frontier) -> String {
    let header: Vec<String> = ["network".to_string()]
        .into_iter()
        .chain(header())
        .collect();
    let mut table = MarkdownTable::new(&header, &[Align::Left, Align::Right]);
    for network in &frontier.networks {
        let kind = [network.kind.to_string()];
        table.row(&[&kind[..], &cells(network)].concat());
    }
    table.into_text()
}

fn findings(frontier: &Frontier) -> String {
    let header = ["finding", "measure, in %", "here", "verdict"];
    let mut table = MarkdownTable::new(&header, &[Align::Left]);
    for finding in &frontier.findings {
        table.row(&[
            finding.aspect.statement().to_string(),
            finding.aspect.measure().to_string(),
            numbers(finding),
            finding.verdict().to_string(),
        ]);
    }
    table.into_text()
}

fn points(frontier: &Frontier) -> String {
    let header = ["network", "new, %", "old, %", "configuration", "epoch"];
    let mut table = MarkdownTable::new(&header, &[Align::Left, Align::Right]);
    for network in &frontier.networks {
        for outcome in &network.frontier {
            table.row(&[
                network.kind.to_string(),
                number(outcome.new_error),
                number(outcome.old_error),
                outcome.configuration.to_string(),
                outcome.epoch.to_string(),
            ]);
        }
    }
    table.into_text()
}

fn configurations(configurations: &[Configuration]) -> String {
    let header = [
        "configuration",
        "hidden layers",
        "learning rate",
        "momentum",
        "block",
        "pieces",
    ];
    let mut table = MarkdownTable::new(&header, &[Align::Right, Align::Left, Align::Right]);
    for one in configurations {
        table.row(&[
            one.number.to_string(),
            one.sizes(),
            one.learning_rate.to_string(),
            one.momentum.to_string(),
            one.block.to_string(),
            one.pieces.to_string(),
        ]);
    }
    table.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontier::testing;

    #[test]
    fn page_has_the_figure_every_table_and_the_notes() {
        let frontier = testing::frontier();
        let page = markdown(&frontier);
        for part in [
            "](frontier.svg)",
            "| network | old, if new ≤ 6 % | old, if new ≤ 10 % | old, if new ≤ 20 % | lowest sum |",
            "| With dropout, networks adapt best to the new task | lowest error on the new task | ReLU ",
            "| With dropout, networks remember the old task best | lowest error on the old task if that on the new one is ≤ 10 % | ",
            "| Maxout, dropout | ",
            "- Reduced, compared with ",
            "\n| 3 | ",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let num_points: usize = frontier.networks.iter().map(|it| it.frontier.len()).sum();
        let (_, points) = page.split_once("## Points").expect("a section");
        let (points, _) = points.split_once("## Configurations").expect("a section");
        // Two lines are the header.
        let num_rows = points.lines().filter(|it| it.starts_with('|')).count();
        assert_eq!(num_rows, num_points + 2);
    }
}
