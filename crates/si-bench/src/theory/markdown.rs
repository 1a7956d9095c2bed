use std::fmt::Write;

use super::figure::CAPTION;
use super::table::{NOTE, number, share};
use super::{Case, Theory};

/// The comparison as a Markdown page that shows `figure.svg`, which is in the same folder.
pub fn markdown(theory: &Theory) -> String {
    let settings = &theory.settings;
    let mut page = format!(
        "# Section 4 against simulation\n\n```\nsi theory --seed {}\n```\n\n![{CAPTION}](figure.svg)\n\n\
        {CAPTION}.\n\n## Statements\n\n",
        theory.seed
    );
    page.push_str("| statement | equation | by | theory | found | off | holds |\n");
    page.push_str("|---|---|---|---:|---:|---:|---|\n");
    for case in Case::ALL {
        let _ = writeln!(page, "| **{}** | | | | | | |", case.name());
        for row in theory.rows.iter().filter(|row| row.case == case) {
            let largest = row.largest();
            let error = match &row.standard_error {
                Some(errors) => format!(" ± {}", share(errors[largest])),
                None => String::new(),
            };
            let _ = writeln!(
                page,
                "| {} | {} | {} | {} | {}{error} | {} | {} |",
                escape(&row.statement),
                theory.source(row),
                row.method.name(),
                number(row.predicted[largest]),
                number(row.simulated[largest]),
                share(row.error),
                if row.holds { "yes" } else { "no" }
            );
        }
    }
    let _ = write!(
        page,
        "\n{NOTE} After ±, where there is one: the standard error of the mean.\n\n## Normalisation over random starts\n\n"
    );
    page.push_str("| starts | by | ");
    page.push_str(&parameter_columns(settings.eigenvalues.len()));
    for normalization in &theory.normalization {
        for (name, values) in [
            ("ratio of the means", &normalization.ratio_of_means),
            ("mean of the ratios", &normalization.mean_of_ratios),
        ] {
            let shares = values.iter().zip(&normalization.predicted);
            let cells: String = shares
                .map(|(value, predicted)| format!(" {} |", number(value / predicted)))
                .collect();
            let _ = writeln!(page, "| {} | {name} |{cells}", normalization.num_starts);
        }
    }
    let eigenvalues: Vec<String> = settings.eigenvalues.iter().map(f64::to_string).collect();
    let _ = write!(
        page,
        "\nIn units of ½ H_ii, one column per parameter. The ratio of the means settles at 1. The \
        mean of the ratios has no limit: starts that lie next to the optimum in one parameter have \
        it grow with their number.\n\n## How it was simulated\n\n\
        - Eigenvalues {}; of rank one, the first alone. Eigenvectors at random, or the axes.\n\
        - Starts at a distance to the optimum that is normal with σ = {} in each parameter.\n\
        - By program: {} starts, {} steps of gradient descent at η = {}, damping ξ = {:e}.\n\
        - By integral: {} starts. Nothing of it knows the eigenvectors or eq. 11.\n\
        - si {}, burn {}, device flex in double precision.\n",
        eigenvalues.join(", "),
        settings.deviation,
        settings.num_starts,
        settings.num_steps,
        settings.learning_rate,
        settings.damping,
        settings.num_integral_starts,
        theory.versions.si,
        theory.versions.burn,
    );
    page
}

/// The rest of a header, with one column per parameter, and the line below it.
fn parameter_columns(count: usize) -> String {
    let names: String = (1..=count).map(|index| format!("i = {index} | ")).collect();
    format!(
        "{}\n|---:|---|{}\n",
        names.trim_end(),
        "---:|".repeat(count)
    )
}

/// Escapes characters that Markdown would read as emphasis.
fn escape(text: &str) -> String {
    text.replace('_', "\\_").replace('*', "\\*")
}
