use super::super::chapter::{Chapter, Table};
use super::{INTRODUCTION, READING, TITLE, tally};
use crate::claim::{cells, header};

/// The report as a single HTML page that includes its style and figures.
pub(super) fn page(chapters: &[Chapter]) -> String {
    let contents: String = chapters
        .iter()
        .enumerate()
        .map(|(index, chapter)| {
            format!(
                "<li><a href=\"#chapter-{index}\">{}</a></li>\n",
                escape(&chapter.title)
            )
        })
        .collect();
    let body: String = chapters
        .iter()
        .enumerate()
        .map(|(index, chapter)| section(index, chapter))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{TITLE}: Synaptic Intelligence</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <main>\n<h1>{TITLE}</h1>\n<p>{INTRODUCTION}</p>\n<p class=\"tally\">{}.</p>\n\
         <p>{READING}</p>\n<nav><ul>\n{contents}</ul></nav>\n{body}</main>\n</body>\n</html>\n",
        escape(&tally(chapters))
    )
}

/// Follows the reader's light or dark theme. Figures have a white background in both. Wide tables
/// scroll separately.
const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #5a6270; --paper: #ffffff; --line: #d9dde3;
  --good: #0a6b3d; --bad: #a3261a; --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #a3acb8; --paper: #16181c;
  --line: #363b44; --good: #63d297; --bad: #ff8f80; --link: #7ab8ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, \"Segoe UI\", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0.5rem 0 1rem; }
h2 { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--line); line-height: 1.3; }
a { color: var(--link); }
.tally { font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1.5rem 0; max-width: 48rem; }
figure svg { display: block; width: 100%; height: auto; background: #ffffff; border-radius: 6px; }
figcaption, caption { color: var(--soft); font-size: 0.9rem; text-align: left; padding: 0.4rem 0; }
.scroll { overflow-x: auto; margin: 1.5rem 0; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.7rem; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; }
.holds { color: var(--good); font-weight: 600; }
.fails { color: var(--bad); font-weight: 600; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: 0.4rem; }
  table { min-width: 36rem; } h1 { font-size: 1.5rem; } }
";

fn section(index: usize, chapter: &Chapter) -> String {
    let mut text = format!(
        "<section id=\"chapter-{index}\">\n<h2>{}</h2>\n<dl>\n",
        escape(&chapter.title)
    );
    for (name, value) in &chapter.facts {
        let value = match name.as_str() {
            "command" => format!("<code>{}</code>", escape(value)),
            _ => escape(value),
        };
        text.push_str(&format!("<dt>{}</dt><dd>{value}</dd>\n", escape(name)));
    }
    text.push_str("</dl>\n");
    for (number, picture) in chapter.pictures.iter().enumerate() {
        text.push_str(&format!(
            "<figure>\n{}\n<figcaption>{}.</figcaption>\n</figure>\n",
            with_own_ids(&picture.svg, &format!("c{index}-{number}-")),
            escape(&picture.caption)
        ));
    }
    for table in &chapter.tables {
        text.push_str(&rows(table));
    }
    if !chapter.claims.is_empty() {
        text.push_str(&rows(&Table {
            caption: "What the paper claims".to_string(),
            header: header("paper").to_vec(),
            rows: chapter
                .claims
                .iter()
                .map(|claim| cells(claim).to_vec())
                .collect(),
        }));
    }
    text.push_str("</section>\n");
    text
}

fn rows(table: &Table) -> String {
    let mut text = format!(
        "<div class=\"scroll\" tabindex=\"0\"><table>\n<caption>{}.</caption>\n<thead><tr>",
        escape(&table.caption)
    );
    for name in &table.header {
        text.push_str(&format!("<th scope=\"col\">{}</th>", escape(name)));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        let cells = row.iter().map(|cell| {
            let class = match cell.as_str() {
                "holds" => " class=\"holds\"",
                "does not hold" => " class=\"fails\"",
                _ => "",
            };
            format!("<td{class}>{}</td>", escape(cell))
        });
        text.push_str(&format!("<tr>{}</tr>\n", cells.collect::<String>()));
    }
    text.push_str("</tbody>\n</table></div>\n");
    text
}

/// Several drawings on one page must not use the same ids.
fn with_own_ids(svg: &str, prefix: &str) -> String {
    let start = svg.find("<svg").unwrap_or(0);
    svg[start..]
        .replace("id=\"", &format!("id=\"{prefix}"))
        .replace("url(#", &format!("url(#{prefix}"))
        .replace("href=\"#", &format!("href=\"#{prefix}"))
        .replace(
            "aria-labelledby=\"title description\"",
            &format!("aria-labelledby=\"{prefix}title {prefix}description\""),
        )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
