use super::absolute_fisher::ABSOLUTE_FISHER;
use super::agem::AGEM;
use super::der::DER;
use super::derpp::DERPP;
use super::er::ER;
use super::ewc_dr::EWC_DR;
use super::freezing::FREEZING;
use super::l2::L2;
use super::lfl::LFL;
use super::lwf::LWF;
use super::lwta::LWTA;
use super::maxout::MAXOUT;
use super::progressive::PROGRESSIVE;
use super::reduced_rate::REDUCED_RATE;
use super::rwalk::RWALK;
use super::sos::SOS;
use super::sqrt_fisher::SQRT_FISHER;
use super::unbiased_path::{SIB, SIU};
use super::{DROPOUT, EWC, JOINT, Method, NONE, SCRATCH, SI, mas::MAS, online_ewc::ONLINE_EWC};

/// Every method, in the order of help and reports.
pub static METHODS: &[&Method] = &[
    &NONE,
    &SI,
    &EWC,
    &ONLINE_EWC,
    &MAS,
    &ABSOLUTE_FISHER,
    &SQRT_FISHER,
    &EWC_DR,
    &SOS,
    &SIU,
    &SIB,
    &RWALK,
    &L2,
    &FREEZING,
    &REDUCED_RATE,
    &LWF,
    &LFL,
    &ER,
    &DER,
    &DERPP,
    &AGEM,
    &LWTA,
    &MAXOUT,
    &DROPOUT,
    &PROGRESSIVE,
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
        for method in METHODS {
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
    fn defaults_are_in_range_and_a_method_has_one_strength_at_most() {
        use crate::experiment::{Experiment, ExperimentConfig};
        for method in METHODS {
            let strengths = method.parameters.iter().filter(|it| it.is_strength);
            assert!(strengths.count() <= 1, "{method:?}");
            for parameter in method.parameters {
                let values = Experiment::ALL.map(|experiment| {
                    let default = parameter.default?;
                    Some(default(&ExperimentConfig::paper(experiment)))
                });
                let mut values = values.into_iter().flatten();
                assert!(values.all(|value| parameter.range.contains(value)));
            }
        }
    }

    #[test]
    fn a_factor_is_a_strength_that_can_be_any_positive_number() {
        let with_factor = METHODS.iter().filter(|it| it.factor().is_some());
        let keys: Vec<&str> = with_factor.map(|it| it.key).collect();
        let expected =
            "si ewc online-ewc mas af sqrt-fisher ewc-dr sos siu sib rwalk l2 lwf lfl der derpp";
        assert_eq!(keys.join(" "), expected);
    }

    #[test]
    fn every_value_that_a_search_tries_is_in_range() {
        use crate::experiment::Experiment;
        for method in METHODS {
            for parameter in method.parameters {
                for experiment in Experiment::ALL {
                    let values = (parameter.search)(experiment);
                    assert!(values.iter().all(|value| parameter.range.contains(*value)));
                }
            }
        }
    }
}
