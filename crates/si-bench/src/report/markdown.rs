use std::fmt::Write;

use super::{
    Reference, Results,
    columns::{Column, Paper},
    figure,
    rows::{self, Row},
};

/// The results as a Markdown page: what was run, the table, `figure.svg` (in the same folder), and
/// how the paper's numbers were measured.
pub fn markdown(results: &[Results]) -> String {
    let columns = Column::all(results);
    let mut page = format!("# {}\n\n", title(results));
    for results in results {
        page.push_str(&protocol(results));
    }
    if columns.is_empty() {
        page.push_str("No runs are finished yet.\n");
        return page;
    }
    page.push_str(&format!("![{}](figure.svg)\n\n", figure::CAPTION));
    page.push_str(&format!("{}.\n\n", figure::CAPTION));
    page.push_str(
        "## Results\n\nIn per cent, as mean ± standard deviation over the seeds (n − 1).\n\n",
    );
    page.push_str(&table(&columns));
    for note in rows::notes(&columns) {
        page.push_str(&format!("\n- {}", escape(&note)));
    }
    page.push('\n');
    page.push_str(&reference(&columns));
    page
}

fn title(results: &[Results]) -> String {
    let labels: Vec<String> = results
        .iter()
        .map(|results| escape(&results.label))
        .collect();
    match results {
        [] => "No results".to_string(),
        [single] => single.config.experiment.name().to_string(),
        _ => labels.join(" and "),
    }
}

/// What was run, so that it can be run again.
fn protocol(results: &Results) -> String {
    let mut text = String::new();
    if results.label.is_empty() {
        text.push_str("Run again, from this folder, with\n\n");
    } else {
        let _ = writeln!(
            text,
            "{}: run again, from its folder, with\n",
            escape(&results.label)
        );
    }
    let _ = writeln!(
        text,
        "```\nsi {} --config config.toml\n```\n",
        results.config.experiment.name()
    );
    let summary = &results.summary;
    text.push_str("| | |\n|---|---|\n");
    let mut row = |key: &str, value: &str| {
        let _ = writeln!(text, "| {key} | {} |", escape(value));
    };
    row("device", &summary.device);
    row(
        "versions",
        &format!("si {}, burn {}", summary.versions.si, summary.versions.burn),
    );
    let config = &results.config;
    if let (Some(folder), Some(set)) = (&config.images, &config.image_set) {
        row(
            "images",
            &format!(
                "{}, {} classes, md5 {}",
                folder.display(),
                set.classes.len(),
                set.md5
            ),
        );
    }
    for condition in &summary.conditions {
        let seeds: Vec<String> = condition.seeds.iter().map(u64::to_string).collect();
        let settings = &condition.condition;
        row(
            &format!("`{}`", escape(&settings.name)),
            &format!(
                "{}seeds {}, wall time of the runs together {}",
                settings
                    .values()
                    .map(|(it, value)| (it.symbol, it.text(value)))
                    // What is off changes nothing.
                    .filter(|(_, value)| value != "off")
                    .map(|(symbol, value)| format!("{symbol} = {value}, "))
                    .collect::<String>(),
                seeds.join(" "),
                duration(condition.seconds),
            ),
        );
    }
    text.push('\n');
    text
}

fn table(columns: &[Column]) -> String {
    let line = |label: &str, cells: &mut dyn Iterator<Item = String>| {
        cells.fold(format!("| {label} |"), |line, cell| {
            format!("{line} {cell} |")
        }) + "\n"
    };
    let mut text = line(
        "",
        &mut columns.iter().map(|column| escape(&column.name(": "))),
    );
    text.push_str(&("|---|".to_string() + &"---:|".repeat(columns.len()) + "\n"));
    for row in rows::rows(columns) {
        text.push_str(&match row {
            Row::Heading(heading) => line(
                &format!("**{heading}**"),
                &mut columns.iter().map(|_| String::new()),
            ),
            Row::Cells { label, cells } => line(&escape(&label), &mut cells.into_iter()),
        });
    }
    text
}

/// How the paper's numbers were measured, if any are shown.
fn reference(columns: &[Column]) -> String {
    let shown = columns
        .iter()
        .find(|column| matches!(column.paper(), Paper::Accuracy(_)));
    shown.map_or_else(String::new, |column| {
        let reference = Reference::of(column.config.experiment);
        format!(
            "\n## The paper's numbers\n\nFrom {}: {}, {} runs. {} {}\n",
            reference.title,
            reference.measure,
            reference.num_runs,
            reference.source,
            reference.caveat
        )
    })
}

pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) => format!("{seconds:.1} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Escapes characters that Markdown would read as a table's border, a tag or emphasis.
pub(crate) fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, character| {
        if matches!(character, '|' | '<' | '*' | '_' | '`' | '[' | ']' | '\\') {
            escaped.push('\\');
        }
        escaped.push(if character == '\n' { ' ' } else { character });
        escaped
    })
}

#[cfg(test)]
mod tests;
