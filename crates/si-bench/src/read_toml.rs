use serde::de::DeserializeOwned;
use toml::de::{DeTable, Deserializer};

use crate::{Error, alternatives::one_of, suggestion::did_you_mean};

/// Reads a value from the text of a TOML file.
///
/// # Errors
///
/// [`Error::Config`] for text that is not TOML, an unknown key, an unknown name, or a value of the wrong type. The
/// message gives the line. If a known key or name is close to an unknown one, it suggests that.
pub fn read_toml<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    read_toml_over("", text, &[])
}

/// Like [`read_toml`]. Keys that `text` lacks, and those in `ignored`, have their values in `defaults`, which is also TOML.
pub(crate) fn read_toml_over<T: DeserializeOwned>(
    defaults: &str,
    text: &str,
    ignored: &[&str],
) -> Result<T, Error> {
    let parse = |text| DeTable::parse(text).map_err(|error| explain(text, &error));
    let defaults = parse(defaults)?.into_inner();
    let mut table = parse(text)?;
    for key in ignored {
        table.get_mut().remove(*key);
    }
    for (key, value) in defaults {
        table.get_mut().entry(key).or_insert(value);
    }
    T::deserialize(Deserializer::from(table)).map_err(|error| explain(text, &error))
}

/// The error in one sentence, with the number of its line in `text`.
fn explain(text: &str, error: &toml::de::Error) -> Error {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    let message = error.message().lines().collect::<Vec<_>>().join(" ");
    // The path of the value is on a separate line.
    let shown = error.to_string();
    let mut lines = shown.lines();
    let path = lines.find_map(|line| line.strip_prefix("in `")?.strip_suffix('`'));
    let place = path.map(|path| format!(" in `{path}`")).unwrap_or_default();
    let sentence = unknown_key(&message, &place)
        .or_else(|| unknown_name(&message, path?))
        .unwrap_or_else(|| format!("{message}{place}"));
    Error::Config(format!("line {line}: {sentence}"))
}

fn unknown_key(message: &str, place: &str) -> Option<String> {
    let (key, known) = unknown(message, "field")?;
    let advice =
        did_you_mean(key, &known).unwrap_or_else(|| format!("known keys are {}", known.join(", ")));
    Some(format!("there is no key `{key}`{place}; {advice}"))
}

fn unknown_name(message: &str, key: &str) -> Option<String> {
    let (name, known) = unknown(message, "variant")?;
    let expected = one_of(&known)?;
    let question = did_you_mean(name, &known)
        .map(|question| format!("; {question}"))
        .unwrap_or_default();
    Some(format!("{key} must be {expected}, got {name}{question}"))
}

/// The unknown name and the known ones, if `message` is Serde's about an unknown `kind` of name.
fn unknown<'a>(message: &'a str, kind: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let rest = message.strip_prefix("unknown ")?.strip_prefix(kind)?;
    // A known name has no backticks, but an unknown one may.
    let (name, known) = rest.strip_prefix(" `")?.rsplit_once("`, expected ")?;
    Some((name, known.split('`').skip(1).step_by(2).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Experiment, ExperimentConfig};

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        num_epochs: usize,
        inner: Option<Inner>,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        batch_size: usize,
        momentum: Option<f64>,
    }

    #[test]
    fn the_text_wins_over_the_defaults() {
        let read: Outer =
            read_toml_over("num_epochs = 1\n", "inner.batch_size = 2\n", &[]).expect("valid");
        let expected = Outer {
            num_epochs: 1,
            inner: Some(Inner {
                batch_size: 2,
                momentum: None,
            }),
        };
        assert_eq!(read, expected);
        let read: Outer =
            read_toml_over("num_epochs = 1\n", "num_epochs = 3\n", &[]).expect("valid");
        assert_eq!(read.num_epochs, 3);
    }

    #[test]
    fn an_ignored_key_has_its_default_whatever_the_text_says() {
        let text = "num_epochs = 'three'\ninner.batch_size = 2\n";
        let read = read_toml_over("num_epochs = 1\n", text, &["num_epochs"]);
        let read: Outer = read.expect("the rest is valid");
        assert_eq!(read.num_epochs, 1);
        assert!(read.inner.is_some());
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_closest_key() {
        assert_eq!(
            outer("\n# A comment.\nepochs = 3\n"),
            "line 3: there is no key `epochs`; did you mean `num_epochs`?"
        );
    }

    #[test]
    fn an_unknown_key_far_from_every_known_one_lists_them() {
        assert_eq!(
            outer("xyz = 3\n"),
            "line 1: there is no key `xyz`; known keys are num_epochs, inner"
        );
        assert_eq!(
            outer("\"x`, expected `y\" = 3\n"),
            "line 1: there is no key `x`, expected `y`; known keys are num_epochs, inner"
        );
    }

    #[test]
    fn an_unknown_key_in_a_table_gets_the_keys_of_that_table() {
        assert_eq!(
            outer("num_epochs = 1\n\n[inner]\nbatch = 3\n"),
            "line 4: there is no key `batch` in `inner`; did you mean `batch_size`?"
        );
        assert_eq!(
            outer("num_epochs = 1\ninner = { xyz = 3 }\n"),
            "line 2: there is no key `xyz` in `inner`; known keys are batch_size, momentum"
        );
    }

    #[test]
    fn an_unknown_name_gets_all_names_and_the_closest() {
        assert_eq!(
            config("num_epochs = 1\noptimizer = \"Adan\"\n"),
            "line 2: optimizer must be adam, sgd, adamw or rmsprop, got Adan; did you mean `adam`?"
        );
        assert_eq!(
            config("experiment = \"split-minst\"\n"),
            "line 1: experiment must be split-mnist, permuted-mnist or split-cifar, got split-minst; \
             did you mean `split-mnist`?"
        );
        assert_eq!(
            config("methods = [\n  \"joint\",\n  \"dropuot\",\n]\n"),
            "line 3: there is no method \"dropuot\"; did you mean `dropout`? in `methods`"
        );
        assert_eq!(
            config("state_precision = \"half\"\n"),
            "line 1: state_precision must be full or bf16, got half"
        );
    }

    #[test]
    fn other_errors_name_their_line_and_key() {
        assert_eq!(
            config("\nnum_epochs = \"three\"\n"),
            "line 2: invalid type: string \"three\", expected usize in `num_epochs`"
        );
        assert_eq!(
            config("num_epochs = 3\nnum_tasks: 3\n"),
            "line 2: key with no value, expected `=`"
        );
    }

    fn outer(text: &str) -> String {
        read_toml::<Outer>(text).expect_err("not valid").to_string()
    }

    fn config(text: &str) -> String {
        ExperimentConfig::from_toml(Experiment::SplitMnist, text)
            .expect_err("not valid")
            .to_string()
    }
}
