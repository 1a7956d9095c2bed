use crate::report::{escape, number};

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
    let columns: Vec<String> = header().collect();
    let mut text = format!("| network | {} |\n", columns.join(" | "));
    text.push_str(&format!("|---|{}\n", "---:|".repeat(columns.len())));
    for network in &frontier.networks {
        let cells = cells(network).join(" | ");
        text.push_str(&format!("| {} | {cells} |\n", network.kind));
    }
    text
}

fn findings(frontier: &Frontier) -> String {
    let mut text = "| finding | measure, in % | here | verdict |\n|---|---|---|---|\n".to_string();
    for finding in &frontier.findings {
        text.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            finding.aspect.statement(),
            finding.aspect.measure(),
            numbers(finding),
            finding.verdict()
        ));
    }
    text
}

fn points(frontier: &Frontier) -> String {
    let mut text =
        "| network | new, % | old, % | configuration | epoch |\n|---|---:|---:|---:|---:|\n"
            .to_string();
    for network in &frontier.networks {
        for outcome in &network.frontier {
            text.push_str(&format!(
                "| {} | {} | {} | {} | {} |\n",
                network.kind,
                number(outcome.new_error),
                number(outcome.old_error),
                outcome.configuration,
                outcome.epoch
            ));
        }
    }
    text
}

fn configurations(configurations: &[Configuration]) -> String {
    let mut text =
        "| configuration | hidden layers | learning rate | momentum | block | pieces |\n\
                    |---:|---|---:|---:|---:|---:|\n"
            .to_string();
    for one in configurations {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            one.number,
            one.sizes(),
            one.learning_rate,
            one.momentum,
            one.block,
            one.pieces
        ));
    }
    text
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
