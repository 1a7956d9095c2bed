use core::fmt;
use std::collections::BTreeMap;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{MethodSpec, Written, parsed};
use crate::Error;
use crate::experiment::Condition;
use crate::methods::Parameter;

/// A [`MethodSpec`] in a file that may lack parameters, such as a strength that is still to be found.
#[derive(Clone, Debug, PartialEq)]
pub struct IncompleteSpec(MethodSpec);

impl IncompleteSpec {
    /// Whether `parameter` is given.
    pub(crate) fn gives(&self, parameter: &Parameter) -> bool {
        self.0.given.contains_key(parameter.key)
    }

    /// Whether `condition` is of these methods, with the parameters that are given.
    pub(crate) fn is_of(&self, condition: &Condition) -> bool {
        self.0.is_of(condition)
    }
}

impl fmt::Display for IncompleteSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for IncompleteSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spec = deserializer.deserialize_any(TextOrTable(MethodSpec::incomplete));
        spec.map(Self)
    }
}

impl<'de> Deserialize<'de> for MethodSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrTable(MethodSpec::new))
    }
}

/// Makes a spec of the names of methods and the parameters that are given for them.
type NewSpec = fn(&str, Vec<(String, Written)>) -> Result<MethodSpec, Error>;

/// Reads both forms in which a file has a method.
struct TextOrTable(NewSpec);

impl<'de> Visitor<'de> for TextOrTable {
    type Value = MethodSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a method, such as \"si:c=0.1\" or { method = \"si\", c = 0.1 }")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<MethodSpec, E> {
        let (methods, given) = parsed(text).map_err(E::custom)?;
        (self.0)(&methods, given).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MethodSpec, A::Error> {
        #[derive(Deserialize)]
        struct Table {
            method: String,
            #[serde(flatten)]
            given: BTreeMap<String, Written>,
        }
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        (self.0)(&table.method, table.given.into_iter().collect()).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_toml;

    #[derive(Debug, Deserialize)]
    struct Named<T> {
        methods: Vec<T>,
    }

    #[test]
    fn a_table_is_the_same_as_a_text() {
        for (text, methods) in [
            (
                "methods = ['none', { method = 'si', c = 0.1 }]\n[[extra]]\n",
                "none,si:c=0.1",
            ),
            (
                "[[methods]]\nmethod = 'ewc'\nlambda = 30\nfisher = 'sampled'\n",
                "ewc:lambda=30:fisher=sampled",
            ),
        ] {
            let read: Named<MethodSpec> = read_toml(text).expect("it is well formed");
            let expected = MethodSpec::list(methods).expect("it is well formed");
            assert_eq!(read.methods, expected);
        }
    }

    #[test]
    fn a_method_of_a_file_may_lack_its_strength_only_if_it_is_incomplete() {
        let text =
            "methods = ['ewc', { method = 'mas', of = 'probabilities' }, 'si+er:size=9:c=2']";
        let incomplete: Named<IncompleteSpec> = read_toml(text).expect("all names are known");
        let found: Vec<String> = incomplete.methods.iter().map(|it| it.to_string()).collect();
        assert_eq!(found, ["ewc", "mas:of=probabilities", "si+er:c=2:size=9"]);

        let error = read_toml::<Named<MethodSpec>>(text).expect_err("a strength is missing");
        assert!(error.to_string().contains("ewc needs lambda"), "{error}");
    }

    #[test]
    fn an_unknown_method_or_parameter_of_a_file_is_refused_with_its_line() {
        for (method, expected) in [
            ("'hat'", "there is no method \"hat\""),
            ("{ method = 'ewc', lamda = 3 }", "no parameter \"lamda\""),
            ("'si:c=0'", "c of the method si must be"),
        ] {
            let text = format!("num_epochs = 1\nmethods = [{method}]\n");
            let error = read_toml::<Named<IncompleteSpec>>(&text);
            let error = error.expect_err("it is not valid").to_string();
            assert!(
                error.starts_with("line 2: ") && error.contains(expected),
                "{error}"
            );
        }
    }
}
