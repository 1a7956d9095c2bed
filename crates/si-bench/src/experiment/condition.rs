use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ExperimentConfig;
use crate::Error;
use crate::methods::{Method, MethodSpec, NONE, Parameter, Parts, Values, Written, named};
use crate::range::Range;

/// One column of a comparison: a method, or a combination of some, with a value for each of their parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Condition {
    /// Unique within an experiment: the method's name, followed by the parameters in which conditions of the same
    /// method differ, as in `si c=0.1`.
    pub name: String,
    methods: Vec<&'static Method>,
    /// Of each parameter. In a condition that was read, a parameter of words may be missing: the file may be from before
    /// it existed.
    values: Values,
}

/// A condition in a file.
#[derive(Serialize, Deserialize)]
struct Stored {
    name: String,
    method: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<String, Written>,
}

impl Condition {
    /// Its name in tables and figures: the method with its strength, and with the other parameters that are in its
    /// name.
    pub fn label(&self) -> String {
        self.label_with(|_| "=")
    }

    /// The same with what stands between the symbol of a parameter and its value.
    pub(crate) fn label_with(&self, relation: impl Fn(&Parameter) -> &'static str) -> String {
        let labels: Vec<&str> = self.methods.iter().map(|method| method.label).collect();
        let is_shown =
            |it: &Parameter| it.is_strength || self.name.contains(&format!(" {}=", it.symbol));
        let shown = self.values().filter(|(it, _)| is_shown(it));
        let shown: Vec<String> = shown
            .map(|(it, value)| format!("{} {} {}", it.symbol, relation(it), it.text(value)))
            .collect();
        let label = labels.join(" + ");
        if shown.is_empty() {
            label
        } else {
            format!("{label} ({})", shown.join(", "))
        }
    }

    /// Whether its method is `method`, not combined with another.
    pub fn is(&self, method: &Method) -> bool {
        self.methods == [method]
    }

    /// Its methods.
    pub fn methods(&self) -> &[&'static Method] {
        &self.methods
    }

    /// The value of a parameter. `None` if its methods have no such parameter, or had none when its file was written.
    pub fn value(&self, key: &str) -> Option<f64> {
        self.values.get(key).copied()
    }

    /// Each parameter with its value.
    pub fn values(&self) -> impl Iterator<Item = (&'static Parameter, f64)> {
        let value = |it: &'static Parameter| self.value(it.key).map(|value| (it, value));
        self.parameters().filter_map(value)
    }

    /// The first strength among its parameters. `None` if none is a strength.
    pub fn strength(&self) -> Option<f64> {
        let strength = self.methods.iter().find_map(|method| method.strength());
        strength.and_then(|strength| self.value(strength.key))
    }

    /// The first strength among its parameters that is the [factor](Method::factor) of a penalty or of a loss. `None` if
    /// none is.
    pub fn factor(&self) -> Option<f64> {
        let factor = self.methods.iter().find_map(|method| method.factor());
        factor.and_then(|factor| self.value(factor.key))
    }

    /// The same with another [`factor`](Self::factor). If several methods have one, all change in proportion.
    pub(super) fn with_factor(&self, factor: f64) -> Self {
        let mut changed = self.clone();
        let Some(before) = self.factor() else {
            return changed;
        };
        for key in self
            .methods
            .iter()
            .filter_map(|it| it.factor())
            .map(|it| it.key)
        {
            if let Some(value) = changed.values.get_mut(key) {
                *value = if *value == before {
                    factor
                } else {
                    *value * (factor / before)
                };
            }
        }
        changed
    }

    /// Only its methods without a [factor](Method::factor).
    pub(super) fn without_factors(&self) -> Self {
        let mut free = self.clone();
        free.methods.retain(|method| method.factor().is_none());
        free
    }

    /// What it is made of.
    pub fn parts(&self) -> Parts {
        let parts = self
            .methods
            .iter()
            .map(|method| (method.parts)(&self.values));
        parts.fold(Parts::default(), Parts::with)
    }

    /// Why its methods cannot be combined. `None` if they can.
    pub(super) fn conflict(&self) -> Option<String> {
        let mut before = Parts::default();
        for method in &self.methods {
            let parts = (method.parts)(&self.values);
            if let Some(part) = before.in_common(&parts) {
                return Some(format!("each has its own {part}"));
            }
            before = before.with(parts);
        }
        let has_none = self.methods.iter().any(|method| **method == NONE);
        if self.methods.len() > 1 && has_none {
            return Some("`none` cannot be combined with other methods".to_string());
        }
        before.without_effect()
    }

    /// Whether it is `complete`, which has a value for each parameter: parameters that are missing here count as equal.
    pub(super) fn is_reading_of(&self, complete: &Self) -> bool {
        let is_same = |(key, value): (&String, &f64)| complete.value(key) == Some(*value);
        self.name == complete.name
            && self.methods == complete.methods
            && self.values.iter().all(is_same)
    }

    fn parameters(&self) -> impl Iterator<Item = &'static Parameter> {
        self.methods.iter().flat_map(|method| method.parameters)
    }
}

impl TryFrom<Stored> for Condition {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let methods = stored.method.split('+').map(named);
        let mut condition = Self {
            name: stored.name,
            methods: methods.collect::<Result<_, _>>()?,
            values: Values::new(),
        };
        let parameters: Vec<&Parameter> = condition.parameters().collect();
        for parameter in parameters {
            let Parameter { key, range, .. } = parameter;
            let written = stored.parameters.get(*key);
            let value = match (written, range) {
                // Records from before the parameter existed.
                (None, Range::OneOf(_)) => continue,
                (None, Range::Whole) => Some(0.0),
                (written, _) => written.and_then(|written| parameter.read(written)),
            };
            let value = value.ok_or_else(|| {
                Error::Records(format!(
                    "the condition {:?} has no value for {key}",
                    condition.name
                ))
            })?;
            condition.values.insert((*key).to_string(), value);
        }
        Ok(condition)
    }
}

impl From<Condition> for Stored {
    fn from(condition: Condition) -> Self {
        let keys: Vec<&str> = condition.methods.iter().map(|method| method.key).collect();
        let written = |(it, value): (&Parameter, f64)| (it.key.to_string(), it.write(value));
        Self {
            method: keys.join("+"),
            parameters: condition.values().map(written).collect(),
            name: condition.name,
        }
    }
}

impl ExperimentConfig {
    /// The conditions that are compared, in the order of [`methods`](Self::methods).
    pub fn conditions(&self) -> Vec<Condition> {
        let all: Vec<Values> = self.methods.iter().map(|spec| spec.values(self)).collect();
        let conditions = self.methods.iter().zip(&all).map(|(spec, values)| {
            let others = self.methods.iter().zip(&all);
            let others = others.filter(|(other, _)| other.methods() == spec.methods());
            let differs = |key: &str| {
                let mut others = others.clone();
                others.any(|(_, other)| other.get(key) != values.get(key))
            };
            Condition {
                name: name(spec, values, &differs),
                methods: spec.methods().to_vec(),
                values: values.clone(),
            }
        });
        conditions.collect()
    }
}

/// The names of the methods, with the parameters in which conditions differ.
fn name(spec: &MethodSpec, values: &Values, differs: &dyn Fn(&str) -> bool) -> String {
    let parameters = spec.methods().iter().flat_map(|method| method.parameters);
    let differing = parameters.filter(|it| differs(it.key));
    let differing = differing.map(|it| format!(" {}={}", it.symbol, it.text(values[it.key])));
    spec.key() + &differing.collect::<String>()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::Experiment;
    use super::*;
    use crate::methods::METHODS;

    fn conditions(methods: &str) -> Vec<Condition> {
        let config = ExperimentConfig {
            methods: MethodSpec::list(methods).expect("they are well formed"),
            ..ExperimentConfig::paper(Experiment::PermutedMnist)
        };
        config.conditions()
    }

    #[test]
    fn conditions_are_named_by_method_and_by_what_differs() {
        let names = |methods: &str| -> Vec<String> {
            conditions(methods)
                .into_iter()
                .map(|one| one.name)
                .collect()
        };
        assert_eq!(
            names("none,si:c=0.1,ewc:lambda=100,dropout,joint,scratch"),
            ["none", "si", "ewc", "dropout", "joint", "scratch"]
        );
        assert_eq!(
            names("si:c=0.01,si,ewc:lambda=10,ewc:lambda=100"),
            ["si c=0.01", "si c=0.1", "ewc λ=10", "ewc λ=100"]
        );
        assert_eq!(
            names("si:c=1:xi=0.1,si:c=1:xi=0.2,si+dropout"),
            ["si ξ=0.1", "si ξ=0.2", "si+dropout"]
        );
        assert_eq!(
            names("ewc:lambda=1,ewc:lambda=1:fisher=batched"),
            ["ewc F=exact", "ewc F=batched"]
        );
    }

    #[test]
    fn labels_show_strengths_and_what_differs() {
        let labels = |methods: &str| -> Vec<String> {
            conditions(methods).iter().map(Condition::label).collect()
        };
        assert_eq!(
            labels("none,si,ewc:lambda=3,dropout,scratch,si+dropout:c=2"),
            [
                "none (c = 0)",
                "si (c = 0.1)",
                "ewc (λ = 3)",
                "dropout (p = 0.5)",
                "scratch",
                "si + dropout (c = 2, p = 0.5)"
            ]
        );
        assert_eq!(
            labels("si:c=1:xi=0.1,si:c=1:xi=0.2"),
            ["si (c = 1, ξ = 0.1)", "si (c = 1, ξ = 0.2)"]
        );
    }

    #[test]
    fn a_condition_is_read_back_to_the_same() {
        for condition in conditions("none,si,si+dropout,online-ewc:lambda=3") {
            let text = serde_json::to_string(&condition).expect("JSON's types");
            let read: Condition = serde_json::from_str(&text).expect("a condition");
            assert_eq!(read, condition);
        }
        let text =
            r#"{"name":"ewc","method":"ewc","parameters":{"fisher":"batched","lambda":3.0}}"#;
        let condition: Condition = serde_json::from_str(text).expect("a condition");
        assert_eq!(condition.value("fisher"), Some(3.0));
        let written = serde_json::to_string(&condition).expect("JSON's types");
        assert_eq!(written, text);
        let text = r#"{"name":"ewc","method":"ewc","parameters":{"lambda":3.0}}"#;
        let old: Condition = serde_json::from_str(text).expect("a condition");
        assert_eq!(old.value("fisher"), None);
        assert!(old.parts().anchor.is_some());
        assert!(old.is_reading_of(&condition));
        assert!(!condition.is_reading_of(&old));
        let [strength, name] = [("3.0", "4.0"), ("\"name\":\"ewc\"", "\"name\":\"other\"")]
            .map(|(from, to)| serde_json::from_str(&text.replace(from, to)));
        for other in [strength, name] {
            let other: Condition = other.expect("a condition");
            assert!(!other.is_reading_of(&condition));
        }
        let text = r#"{"name":"lwf","method":"lwf","parameters":{"temperature":2.0,"weight":1.0}}"#;
        let old: Condition = serde_json::from_str(text).expect("a condition");
        assert_eq!(old, conditions("lwf").remove(0));
        let text = r#"{"name":"si","method":"si","parameters":{"c":1.0}}"#;
        let read: Result<Condition, _> = serde_json::from_str(text);
        let error = read.expect_err("it lacks ξ").to_string();
        assert_eq!(error, "the condition \"si\" has no value for xi");
    }

    #[test]
    fn all_factors_change_in_proportion_and_nothing_else_does() {
        let condition = conditions("si+lwf+er:c=2:weight=3").remove(0);
        assert_eq!(condition.factor(), Some(2.0));
        let halved = condition.with_factor(1.0);
        for (parameter, before) in condition.values() {
            let is_factor = ["c", "weight"].contains(&parameter.key);
            let expected = if is_factor { before / 2.0 } else { before };
            assert_eq!(
                halved.value(parameter.key),
                Some(expected),
                "{}",
                parameter.key
            );
        }
        assert_eq!(halved.parts().synaptic.map(|it| it.strength), Some(1.0));
    }

    #[test]
    fn a_condition_without_its_factors_has_the_other_methods() {
        let parts = conditions("si+lwf+er+dropout")[0].without_factors().parts();
        assert!(!parts.has_penalty() && parts.functional.is_none());
        assert!(parts.memory.is_some() && parts.dropout.is_some());
        let parts = conditions("derpp")[0].without_factors().parts();
        assert!(parts.memory.is_none());
        for without in ["none", "er", "agem", "reduced-rate", "dropout", "joint"] {
            let condition = conditions(without).remove(0);
            assert_eq!(condition.factor(), None, "{without}");
            assert_eq!(condition.with_factor(3.0), condition);
            assert_eq!(condition.without_factors(), condition);
        }
    }

    #[test]
    fn methods_that_go_together_have_different_parameters() {
        for (index, one) in METHODS.iter().enumerate() {
            for other in &METHODS[index + 1..] {
                let all = [one, other].map(|method| method.parameters);
                let keys = all.iter().flat_map(|parameters| parameters.iter());
                let condition = Condition {
                    name: String::new(),
                    methods: vec![*one, *other],
                    values: keys.map(|it| (it.key.to_string(), 0.5)).collect(),
                };
                if condition.conflict().is_none() {
                    let names = all.map(|parameters| {
                        let names = parameters.iter().flat_map(|it| [it.key, it.symbol]);
                        names.collect::<HashSet<_>>()
                    });
                    let [names, others] = names;
                    let common: Vec<_> = names.intersection(&others).collect();
                    assert!(common.is_empty(), "{one:?}, {other:?}: {common:?}");
                }
            }
        }
    }

    #[test]
    fn methods_that_do_not_go_together_are_found() {
        let conflict = |methods: &str| conditions(methods)[0].conflict().unwrap_or_default();
        assert_eq!(
            conflict("joint+scratch"),
            "each has its own order of the tasks"
        );
        assert_eq!(
            conflict("ewc+online-ewc:lambda=3"),
            "each has its own penalty"
        );
        assert_eq!(conflict("si+mas"), "each has its own penalty");
        assert_eq!(
            conflict("lwf+lfl"),
            "each has its own comparison with a frozen copy"
        );
        assert_eq!(
            conflict("lwf+scratch"),
            "a comparison with a frozen copy has no effect unless one network learns the tasks one by one"
        );
        assert_eq!(conflict("er+der"), "each has its own memory");
        assert_eq!(
            conflict("er+joint"),
            "a memory has no effect unless one network learns the tasks one by one"
        );
        assert_eq!(conflict("er+lwf+si"), "");
        assert_eq!(conflict("ewc+dropout:lambda=3"), "");
        assert_eq!(conflict("ewc+lwf+dropout:lambda=3"), "");
        assert_eq!(conflict("joint+dropout"), "");
        assert_eq!(
            conflict("freezing+reduced-rate"),
            "each has its own rule for the trunk"
        );
        assert_eq!(conflict("si+freezing"), "");
        assert_eq!(
            conflict("lfl+freezing"),
            "a comparison of features has no effect on a frozen trunk"
        );
        assert_eq!(conflict("lwf+freezing"), "");
        assert_eq!(
            conflict("lwf+freezing:warm_up=1"),
            "each has its own rule for the trunk"
        );
        assert_eq!(conflict("si+lwf+er:warm_up=1"), "");
        assert_eq!(conflict("lfl+reduced-rate"), "");
        assert_eq!(conflict("reduced-rate+dropout"), "");
        assert_eq!(conflict("lwta+maxout"), "each has its own hidden units");
        assert_eq!(conflict("si+lwta+dropout"), "");
        assert_eq!(conflict("progressive+maxout+dropout"), "");
        for other in ["si", "mas", "freezing", "reduced-rate", "lwf", "er"] {
            let methods = format!("progressive+{other}");
            let reason = conflict(&methods);
            assert!(
                reason.ends_with(" has no effect, because progressive never changes old layers"),
                "{methods}: {reason}"
            );
        }
        assert_eq!(
            conflict("progressive+scratch"),
            "a new column has no effect unless one network learns the tasks one by one"
        );
        assert_eq!(
            conflict("freezing+joint"),
            "holding back the trunk has no effect unless one network learns the tasks one by one"
        );
        assert_eq!(
            conflict("none+si"),
            "`none` cannot be combined with other methods"
        );
        assert_eq!(
            conflict("joint+si"),
            "a penalty has no effect unless one network learns the tasks one by one"
        );
    }
}
