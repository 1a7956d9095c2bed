use serde::{Deserialize, Serialize};

use crate::Error;
use crate::experiment::{Experiment, ExperimentConfig};
use crate::methods::{METHODS, MethodSpec};

/// A method of a comparison. If it was given without a strength that can be searched for, several strengths are tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The method as it was given, such as `ewc` or `si:c=0.1`.
    pub text: String,
    /// What is tried, at least one.
    pub trials: Vec<MethodSpec>,
}

/// A method that is not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// The method.
    pub method: String,
    /// Why it is left out.
    pub reason: String,
}

impl Candidate {
    /// The method `text`, with `num_trials` strengths, at least 2, if it has a strength to search for and none is given.
    ///
    /// # Errors
    ///
    /// Those of [`MethodSpec::list`].
    pub fn new(text: &str, experiment: Experiment, num_trials: usize) -> Result<Self, Error> {
        Ok(Self {
            text: text.to_string(),
            trials: MethodSpec::trials(text, experiment, num_trials)?,
        })
    }

    /// Whether several strengths are tried.
    pub fn is_searched(&self) -> bool {
        self.trials.len() > 1
    }
}

/// Which methods are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Number of strengths to try for each method that is given without one, at least 2.
    pub num_trials: usize,
    /// The methods, as they were given.
    pub methods: Vec<String>,
    /// That of `methods` whose memory has as many bytes as the state of Synaptic Intelligence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equal_memory: Option<String>,
    /// Methods that are not compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

impl Selection {
    /// All methods that can be run in `config`. Beside experience replay of the usual size, there is one whose memory has as
    /// many bytes as the state of Synaptic Intelligence.
    ///
    /// # Errors
    ///
    /// Those of [`ExperimentConfig::images_in_the_memory_of_si`].
    pub fn all(config: &ExperimentConfig, num_trials: usize) -> Result<Self, Error> {
        let (mut methods, mut left_out) = (Vec::new(), Vec::new());
        for method in METHODS {
            let candidate = Candidate::new(method.key, config.experiment, num_trials)?;
            let mut obstacles = candidate.trials.iter().map(|spec| config.obstacle(spec));
            match obstacles.find_map(|obstacle| obstacle) {
                None => methods.push(candidate.text),
                Some(reason) => left_out.push(LeftOut {
                    method: candidate.text,
                    reason,
                }),
            }
        }
        let equal_memory = equal_memory(config)?;
        methods.extend(equal_memory.clone());
        Ok(Self {
            num_trials,
            methods,
            equal_memory,
            left_out,
        })
    }

    /// The methods `named`.
    pub fn named(named: Vec<String>, num_trials: usize) -> Self {
        Self {
            num_trials,
            methods: named,
            equal_memory: None,
            left_out: Vec::new(),
        }
    }

    /// The methods with what is tried of each, in the order of [`METHODS`].
    ///
    /// # Errors
    ///
    /// Those of [`MethodSpec::list`].
    pub fn candidates(&self, experiment: Experiment) -> Result<Vec<Candidate>, Error> {
        let candidate = |text: &String| Candidate::new(text, experiment, self.num_trials);
        let candidates = self.methods.iter().map(candidate);
        let mut candidates: Vec<Candidate> = candidates.collect::<Result<_, _>>()?;
        candidates.sort_by_key(|it| {
            let methods = it.trials.first().map_or(&[][..], MethodSpec::methods);
            let row = methods.first().map(|first| row(first.key));
            (row, methods.len())
        });
        Ok(candidates)
    }
}

/// The place of a method in the table.
fn row(key: &str) -> usize {
    let place = METHODS.iter().position(|method| method.key == key);
    place.unwrap_or(METHODS.len())
}

/// Experience replay with as many bytes as the state of Synaptic Intelligence. `None` if no image fits, or if that is the
/// size that experience replay has anyway.
fn equal_memory(config: &ExperimentConfig) -> Result<Option<String>, Error> {
    let size = config.images_in_the_memory_of_si()?;
    let spec = |text: &str| -> Result<MethodSpec, Error> { text.parse() };
    let usual = spec("er")?.values(config)["size"];
    Ok((size > 0 && size as f64 != usual).then(|| format!("er:size={size}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Scenario;

    fn config(experiment: Experiment, scenario: Scenario) -> ExperimentConfig {
        ExperimentConfig {
            scenario,
            ..ExperimentConfig::paper(experiment)
        }
    }

    #[test]
    fn all_methods_that_can_run_are_compared_and_the_others_are_left_out_with_a_reason() {
        let keys = METHODS.iter().map(|it| it.key.to_string());
        let all = Selection::all(&config(Experiment::SplitMnist, Scenario::Task), 5);
        let all = all.expect("MNIST is built in");
        // 269322 parameters of 8 bytes, and 785 bytes for an image.
        assert_eq!(all.equal_memory.as_deref(), Some("er:size=2744"));
        let expected: Vec<String> = keys.chain(all.equal_memory.clone()).collect();
        assert_eq!(all.methods, expected);
        assert_eq!(all.left_out, []);

        let all = Selection::all(&config(Experiment::SplitMnist, Scenario::Domain), 5);
        let all = all.expect("MNIST is built in");
        assert_eq!(all.methods.len(), METHODS.len());
        let [left_out] = &all.left_out[..] else {
            panic!("{:?}", all.left_out);
        };
        assert_eq!(left_out.method, "progressive");
        assert!(left_out.reason.contains("--scenario task"), "{left_out:?}");
    }

    #[test]
    fn every_searched_method_of_a_comparison_has_the_same_number_of_trials() {
        let config = config(Experiment::SplitMnist, Scenario::Task);
        let all = Selection::all(&config, 7).expect("MNIST is built in");
        let candidates = all.candidates(config.experiment).expect("well formed");
        assert_eq!(candidates.len(), all.methods.len());
        let searched: Vec<_> = candidates.iter().filter(|it| it.is_searched()).collect();
        assert!(searched.len() > 15);
        for candidate in searched {
            assert_eq!(candidate.trials.len(), 7, "{}", candidate.text);
        }
    }

    #[test]
    fn candidates_are_in_the_order_of_the_table_and_a_given_strength_is_not_searched() {
        let named = ["er", "si+er", "ewc", "si:c=2", "none"].map(str::to_string);
        let selection = Selection::named(named.to_vec(), 3);
        let candidates = selection.candidates(Experiment::SplitMnist);
        let candidates = candidates.expect("they are well formed");
        let found: Vec<(&str, usize)> = candidates
            .iter()
            .map(|it| (it.text.as_str(), it.trials.len()))
            .collect();
        let expected = [
            ("none", 1),
            ("si:c=2", 1),
            ("si+er", 3),
            ("ewc", 3),
            ("er", 1),
        ];
        assert_eq!(found, expected);
    }
}
