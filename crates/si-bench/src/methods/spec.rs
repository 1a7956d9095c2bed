use core::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::method::{Method, Parameter, Range, Values, Written};
use super::table::METHODS;
use crate::Error;
use crate::experiment::{Condition, Experiment, ExperimentConfig};
use crate::suggestion::did_you_mean;
pub use file::IncompleteSpec;

mod file;

/// One or several methods, with the parameters that were given for them.
///
/// Written as `si`, `si:c=0.1`, `online-ewc:lambda=30:decay=0.9`, or, for a combination, `si+dropout:c=0.1:rate=0.25`.
/// In a TOML file it can also be a table: `{ method = "si", c = 0.1 }`.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodSpec {
    methods: Vec<&'static Method>,
    given: Values,
}

impl MethodSpec {
    /// Checks that the parameters are those of the methods and in their ranges, and that none is missing.
    fn new(
        methods: &str,
        given: impl IntoIterator<Item = (String, Written)>,
    ) -> Result<Self, Error> {
        let spec = Self::incomplete(methods, given)?;
        spec.check_complete()?;
        Ok(spec)
    }

    /// Like [`new`](Self::new), but a parameter may be missing.
    fn incomplete(
        methods: &str,
        given: impl IntoIterator<Item = (String, Written)>,
    ) -> Result<Self, Error> {
        let methods = methods.split('+').map(|key| named(key.trim()));
        let mut spec = Self {
            methods: methods.collect::<Result<_, _>>()?,
            given: Values::new(),
        };
        // Whatever the order in which they are given, they are the same combination.
        let row = |method: &&Method| METHODS.iter().position(|row| row == method);
        spec.methods.sort_by_key(row);
        for (index, method) in spec.methods.iter().enumerate() {
            if spec.methods[..index].contains(method) {
                return Err(Error::Config(format!(
                    "the method {:?} is given twice",
                    method.key
                )));
            }
        }
        for (key, written) in given {
            let parameter = spec
                .parameters()
                .find(|it| it.key == key || it.symbol == key);
            let parameter = parameter.ok_or_else(|| spec.no_parameter(&key))?;
            let Parameter { key, range, .. } = parameter;
            let value = parameter.read(&written).ok_or_else(|| {
                Error::Config(format!(
                    "{key} of the method {} must be {range}, got {written}",
                    spec.key()
                ))
            })?;
            if spec.given.insert((*key).to_string(), value).is_some() {
                return Err(Error::Config(format!(
                    "the method {} has {key} twice",
                    spec.key()
                )));
            }
        }
        Ok(spec)
    }

    /// Whether `condition` is of these methods, with the parameters that are given.
    pub(crate) fn is_of(&self, condition: &Condition) -> bool {
        let mut given = self.given.iter();
        self.methods == condition.methods()
            && given.all(|(key, value)| condition.value(key) == Some(*value))
    }

    /// Checks that no parameter without a default is missing.
    ///
    /// The default of a strength is for what a method measures by default. If a word chooses something else, which has
    /// another size, the strength must be given.
    fn check_complete(&self) -> Result<(), Error> {
        let missing = self.methods.iter().find_map(|method| {
            let has_choice = method.parameters.iter().any(|it| self.is_choice(it));
            let needs = |it: &&Parameter| it.default.is_none() || it.is_strength && has_choice;
            let mut needed = method.parameters.iter().filter(needs);
            needed.find(|it| !self.given.contains_key(it.key))
        });
        match missing {
            None => Ok(()),
            Some(Parameter { key, summary, .. }) => Err(Error::Config(format!(
                "the method {self} needs {key}, the {summary}: for example {self}:{key}=100"
            ))),
        }
    }

    /// Whether another word than the default is given for `parameter`.
    fn is_choice(&self, parameter: &Parameter) -> bool {
        let is_default = |value: f64| {
            parameter.default.is_some_and(|default| {
                let default = |it| default(&ExperimentConfig::paper(it));
                Experiment::ALL.into_iter().any(|it| default(it) == value)
            })
        };
        let given = self.given.get(parameter.key);
        matches!(parameter.range, Range::OneOf(_)) && given.is_some_and(|it| !is_default(*it))
    }

    /// The specs of a search, from a text like that of [`from_str`](Self::from_str): one with each value that is tried
    /// for the strength. One alone if the strength is given, or if there is none.
    ///
    /// # Errors
    ///
    /// Those of [`list`](Self::list).
    pub fn search(text: &str, experiment: Experiment) -> Result<Vec<Self>, Error> {
        Self::with_strengths(text, |strength| (strength.search)(experiment).to_vec())
    }

    /// Like [`search`](Self::search), with that many values, at least 2, for every strength. So each method has the same
    /// number of trials.
    ///
    /// # Errors
    ///
    /// Those of [`list`](Self::list).
    pub fn trials(text: &str, experiment: Experiment, count: usize) -> Result<Vec<Self>, Error> {
        Self::with_strengths(text, |strength| strength.trials(experiment, count))
    }

    fn with_strengths(
        text: &str,
        values: impl Fn(&Parameter) -> Vec<f64>,
    ) -> Result<Vec<Self>, Error> {
        let (methods, given) = parsed(text)?;
        let spec = Self::incomplete(&methods, given)?;
        let strengths = spec.methods.iter().filter_map(|method| method.strength());
        let mut searched = strengths.map(|it| (it, values(it)));
        let searched = searched.find(|(_, values)| !values.is_empty());
        let free = searched.filter(|(it, _)| !spec.given.contains_key(it.key));
        let mut specs: Vec<Self> = match free {
            Some((strength, values)) => {
                let with = |value: f64| {
                    let mut spec = spec.clone();
                    spec.given.insert(strength.key.to_string(), value);
                    spec
                };
                values.into_iter().map(with).collect()
            }
            None => Vec::new(),
        };
        if specs.is_empty() {
            specs.push(spec);
        }
        for spec in &specs {
            spec.check_complete()?;
        }
        Ok(specs)
    }

    /// The specs in a text, separated by commas.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for an unknown method or parameter, a missing one, and a value outside its range.
    pub fn list(text: &str) -> Result<Vec<Self>, Error> {
        text.split(',').map(str::parse).collect()
    }

    /// The methods.
    pub fn methods(&self) -> &[&'static Method] {
        &self.methods
    }

    /// Whether it is `method` alone.
    pub fn is(&self, method: &Method) -> bool {
        self.methods == [method]
    }

    /// The parameters that were given.
    pub fn given(&self) -> &Values {
        &self.given
    }

    /// The names of the methods, joined by `+`.
    pub(crate) fn key(&self) -> String {
        let keys: Vec<&str> = self.methods.iter().map(|method| method.key).collect();
        keys.join("+")
    }

    /// A value for each parameter: the given one, otherwise the default under `config`.
    pub(crate) fn values(&self, config: &ExperimentConfig) -> Values {
        let value = |parameter: &Parameter| {
            let given = self.given.get(parameter.key).copied();
            let default = || parameter.default.map(|default| default(config));
            given
                .or_else(default)
                .map(|value| (parameter.key.to_string(), value))
        };
        self.parameters().filter_map(value).collect()
    }

    fn parameters(&self) -> impl Iterator<Item = &'static Parameter> {
        self.methods.iter().flat_map(|method| method.parameters)
    }

    fn no_parameter(&self, key: &str) -> Error {
        let known: Vec<&str> = self.parameters().map(|it| it.key).collect();
        let all = || {
            if known.is_empty() {
                "it has none".to_string()
            } else {
                format!("it has {}", known.join(", "))
            }
        };
        let hint = did_you_mean(key, &known).unwrap_or_else(all);
        Error::Config(format!(
            "the method {} has no parameter {key:?}: {hint}",
            self.key()
        ))
    }
}

/// The specs of a protocol in this program.
pub(crate) fn methods(list: &str) -> Vec<MethodSpec> {
    MethodSpec::list(list).expect("the protocols are well formed, as a test checks")
}

/// The method with that name.
pub(crate) fn named(key: &str) -> Result<&'static Method, Error> {
    let found = METHODS.iter().find(|method| method.key == key);
    found.copied().ok_or_else(|| {
        let keys: Vec<&str> = METHODS.iter().map(|method| method.key).collect();
        let hint = did_you_mean(key, &keys);
        let hint = hint.unwrap_or_else(|| format!("the methods are {}", keys.join(", ")));
        Error::Config(format!("there is no method {key:?}; {hint}"))
    })
}

/// The methods in a text and the parameters that it gives.
fn parsed(text: &str) -> Result<(String, Vec<(String, Written)>), Error> {
    let mut parts = text.trim().split(':');
    let methods = parts.next().unwrap_or_default().to_string();
    let parameter = |part: &str| match part.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_string(), Written::from(value.trim()))),
        None => Err(Error::Config(format!(
            "{part:?} in the method {text:?} must be a parameter and its value, as in si:c=0.1"
        ))),
    };
    let given = parts.map(parameter).collect::<Result<_, _>>()?;
    Ok((methods, given))
}

impl FromStr for MethodSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (methods, given) = parsed(text)?;
        Self::new(&methods, given)
    }
}

impl fmt::Display for MethodSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key())?;
        for (key, value) in &self.given {
            let parameter = self.parameters().find(|it| it.key == key);
            let value = parameter.map_or_else(|| value.to_string(), |it| it.text(*value));
            write!(f, ":{key}={value}")?;
        }
        Ok(())
    }
}

impl Serialize for MethodSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Scenario;

    fn spec(text: &str) -> MethodSpec {
        text.parse().expect("it is well formed")
    }

    fn error(text: &str) -> String {
        let parsed: Result<MethodSpec, Error> = text.parse();
        parsed.expect_err("it is not valid").to_string()
    }

    #[test]
    fn text_is_read_back_to_the_same() {
        for text in [
            "none",
            "si",
            "si:c=0.1",
            "si:c=0.1:xi=0.01",
            "si:c=0.1:normalization=mean",
            "ewc:lambda=30",
            "online-ewc:decay=0.9:lambda=100",
            "ewc:fisher=batched:lambda=30",
            "si+dropout:c=1:rate=0.25",
            "lwf+er:size=200:weight=3",
        ] {
            assert_eq!(spec(text).to_string(), text);
        }
    }

    #[test]
    fn parameters_that_are_not_given_have_their_defaults() {
        let config = ExperimentConfig::paper(Experiment::PermutedMnist);
        let values = spec("si:xi=0.5").values(&config);
        assert_eq!(
            values,
            Values::from([
                ("c".into(), 0.1),
                ("normalization".into(), 0.0),
                ("xi".into(), 0.5)
            ])
        );
        let values = spec("online-ewc:lambda=3").values(&config);
        let words = [("fisher".into(), 0.0), ("normalization".into(), 0.0)];
        let mut expected = Values::from([("decay".into(), 1.0), ("lambda".into(), 3.0)]);
        expected.extend(words);
        assert_eq!(values, expected);
    }

    #[test]
    fn the_default_strength_of_l2_depends_on_whether_the_task_is_known() {
        for (scenario, strength) in [
            (Scenario::Task, 0.01),
            (Scenario::Domain, 0.5),
            (Scenario::Class, 0.5),
        ] {
            let config = ExperimentConfig {
                scenario,
                ..ExperimentConfig::paper(Experiment::SplitMnist)
            };
            assert_eq!(spec("l2").values(&config)["lambda"], strength);
        }
    }

    #[test]
    fn symbols_and_spaces_are_understood() {
        assert_eq!(spec(" ewc : λ = 3"), spec("ewc:lambda=3"));
        assert_eq!(
            spec("si + dropout:ξ=1:p=0.5"),
            spec("si+dropout:xi=1:rate=0.5")
        );
    }

    #[test]
    fn a_search_tries_each_strength_unless_one_is_given() {
        let texts = |text: &str| -> Vec<String> {
            let specs = MethodSpec::search(text, Experiment::SplitMnist);
            let specs = specs.expect("they are well formed");
            specs.iter().map(MethodSpec::to_string).collect()
        };
        assert_eq!(texts("si:c=2"), ["si:c=2"]);
        assert_eq!(texts("joint"), ["joint"]);
        assert_eq!(texts("ewc").len(), 5);
        assert_eq!(texts("si:xi=0.5")[0], "si:c=0.001:xi=0.5");
        let of_probabilities = texts("mas:of=probabilities");
        assert_eq!(of_probabilities[5], "mas:lambda=1000:of=probabilities");
    }

    #[test]
    fn every_method_has_the_same_number_of_trials_or_one_if_nothing_is_searched() {
        for experiment in Experiment::ALL {
            for method in METHODS {
                let trials = MethodSpec::trials(method.key, experiment, 4);
                let trials = trials.expect("a strength that is needed is searched");
                let has_search = |it: &Parameter| !(it.search)(experiment).is_empty();
                let is_searched = method.strength().is_some_and(has_search);
                assert_eq!(trials.len(), if is_searched { 4 } else { 1 }, "{method:?}");
            }
        }
        let texts = |text: &str| -> Vec<String> {
            let specs = MethodSpec::trials(text, Experiment::SplitMnist, 3);
            let specs = specs.expect("they are well formed");
            specs.iter().map(MethodSpec::to_string).collect()
        };
        assert_eq!(texts("si"), ["si:c=0.001", "si:c=0.1", "si:c=10"]);
        assert_eq!(texts("si:c=2"), ["si:c=2"]);
        assert_eq!(texts("er"), ["er"]);
        // The size of a memory is no strength to search for, but that of the combination is.
        assert_eq!(texts("lfl+er:size=200").len(), 3);
    }

    #[test]
    fn the_default_strength_is_for_the_default_words() {
        for text in [
            "mas",
            "mas:of=outputs",
            "ewc-dr:fisher=batched",
            "ewc-dr:limit=1",
        ] {
            assert_eq!(spec(text).to_string(), text);
        }
        for text in [
            "mas:of=confidence",
            "ewc-dr:fisher=exact",
            "sos:of=noise",
            "online-ewc:normalization=mean",
        ] {
            let needed = format!("the method {text} needs lambda, ");
            assert!(error(text).starts_with(&needed), "{}", error(text));
            let complete = spec(&format!("{text}:lambda=200"));
            assert_eq!(complete.given()["lambda"], 200.0);
        }
        let needed = "the method si:normalization=mean needs c, ";
        assert!(error("si:normalization=mean").starts_with(needed));
    }

    #[test]
    fn errors_say_what_is_possible() {
        let keys: Vec<&str> = METHODS.iter().map(|method| method.key).collect();
        let expected = format!(
            "there is no method \"hat\"; the methods are {}",
            keys.join(", ")
        );
        assert_eq!(error("hat"), expected);
        assert_eq!(
            error("dropuot"),
            "there is no method \"dropuot\"; did you mean `dropout`?"
        );
        assert_eq!(
            error("si:lambda=3"),
            "the method si has no parameter \"lambda\": it has c, xi, normalization"
        );
        assert_eq!(
            error("joint:c=3"),
            "the method joint has no parameter \"c\": it has none"
        );
        assert_eq!(
            error("si:c=0"),
            "c of the method si must be a number > 0, got 0"
        );
        for size in ["0", "2.5", "-1", "NaN"] {
            assert_eq!(
                error(&format!("er:size={size}")),
                format!("size of the method er must be a whole number ≥ 1, got {size}")
            );
        }
        assert_eq!(
            error("ewc"),
            "the method ewc needs lambda, the strength of the penalty λ/2 Σ Ω (θ − θ̃)²: for example ewc:lambda=100"
        );
        assert_eq!(
            error("mas:of=probabilities"),
            "the method mas:of=probabilities needs lambda, the strength of the penalty λ Σ Ω (θ − θ̃)²: for example \
             mas:of=probabilities:lambda=100"
        );
        assert_eq!(
            error("ewc:lamda=3"),
            "the method ewc has no parameter \"lamda\": did you mean `lambda`?"
        );
        assert_eq!(
            error("si:c"),
            "\"c\" in the method \"si:c\" must be a parameter and its value, as in si:c=0.1"
        );
        for value in ["1", "2.5", "1e9"] {
            assert_eq!(
                error(&format!("lwta:block={value}")),
                format!(
                    "block of the method lwta must be a whole number from 2 to 1000, got {}",
                    value.parse::<f64>().expect("a number")
                )
            );
        }
        assert_eq!(
            error("si:c=much"),
            "c of the method si must be a number > 0, got much"
        );
        let fisher = "fisher of the method ewc must be one of exact, sampled, empirical, batched";
        for value in ["true", "1"] {
            let found = error(&format!("ewc:lambda=1:fisher={value}"));
            assert_eq!(found, format!("{fisher}, got {value}"));
        }
        assert_eq!(error("si:c=1:c=2"), "the method si has c twice");
        assert_eq!(error("si+si"), "the method \"si\" is given twice");
    }
}
