/// Asks whether the known name closest to `name` is meant. `None` if no known name is close.
pub(crate) fn did_you_mean(name: &str, known: &[&str]) -> Option<String> {
    closest(name, known).map(|known| format!("did you mean `{known}`?"))
}

/// The known name closest to `name`, if one is close.
fn closest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = bare(name);
    known
        .iter()
        .map(|known| (strsim::jaro(&name, &bare(known)), *known))
        .filter(|(similarity, _)| *similarity > CLOSE)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, known)| known)
}

/// What counts when names are compared. Flags leave out the `num_` of their keys: `--epochs` sets `num_epochs`.
fn bare(name: &str) -> String {
    let name = name.to_lowercase().replace('-', "_");
    name.strip_prefix("num_").unwrap_or(&name).to_string()
}

/// Names with a similarity above this are close. Clap has the same threshold for flags.
const CLOSE: f64 = 0.7;

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 6] = [
        "num_tasks",
        "num_epochs",
        "num_held_out",
        "learning_rate",
        "optimizer",
        "output_dir",
    ];

    #[test]
    fn a_misspelt_name_is_close() {
        assert_eq!(closest("optimiser", &KNOWN), Some("optimizer"));
        assert_eq!(closest("num-epochs", &KNOWN), Some("num_epochs"));
        assert_eq!(closest("Learning_Rate", &KNOWN), Some("learning_rate"));
    }

    #[test]
    fn a_shortened_name_is_close() {
        assert_eq!(closest("lr", &KNOWN), Some("learning_rate"));
        assert_eq!(closest("out", &KNOWN), Some("output_dir"));
    }

    #[test]
    fn a_name_without_num_or_with_it_is_close() {
        assert_eq!(closest("epochs", &KNOWN), Some("num_epochs"));
        assert_eq!(closest("tasks", &KNOWN), Some("num_tasks"));
        assert_eq!(closest("held_out", &KNOWN), Some("num_held_out"));
        assert_eq!(closest("num_jobs", &["jobs"]), Some("jobs"));
    }

    #[test]
    fn a_different_name_is_not_close() {
        assert_eq!(closest("weight_decay", &KNOWN), None);
        assert_eq!(closest("", &KNOWN), None);
        assert_eq!(closest("epochs", &[]), None);
    }
}
