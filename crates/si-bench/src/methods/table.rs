use super::{DROPOUT, EWC, JOINT, Method, NONE, SCRATCH, SI, mas::MAS, online_ewc::ONLINE_EWC};

/// Every method, in the order of help and reports.
pub static METHODS: &[&Method] = &[
    &NONE,
    &SI,
    &EWC,
    &ONLINE_EWC,
    &MAS,
    &DROPOUT,
    &JOINT,
    &SCRATCH,
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn keys_are_unique_words() {
        let mut keys = HashSet::new();
        for method in METHODS.iter().copied() {
            assert!(keys.insert(method.key), "{method:?} is there twice");
            let mut parameters = HashSet::new();
            let words = method.parameters.iter().map(|it| it.key);
            for parameter in words.clone() {
                assert!(
                    parameters.insert(parameter),
                    "{method:?} has {parameter} twice"
                );
            }
            for word in words.chain([method.key]) {
                assert!(!word.contains([',', ':', '=', '+', ' ']), "{word:?}");
            }
        }
    }

    #[test]
    fn every_value_that_a_search_tries_is_in_range() {
        use crate::experiment::Experiment;
        for method in METHODS.iter().copied() {
            for parameter in method.parameters {
                for experiment in Experiment::ALL {
                    let values = (parameter.search)(experiment);
                    assert!(values.iter().all(|value| parameter.range.contains(*value)));
                }
            }
        }
    }
}
