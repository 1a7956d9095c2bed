use serde::{Deserialize, Serialize};

use crate::Error;
use crate::claim::Claim;
use crate::experiment::{
    ConditionSummary, Experiment, ExperimentConfig, RunRecord, Summary, Versions,
};
use crate::methods::MethodSpec;

use super::claims::claims;
use super::published::Published;
use super::{BestStrength, Candidate, ComparedMethod, LeftOut, Selection};

/// A comparison of methods: the content of `compare.json`, whose keys are stable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The experiment.
    pub experiment: Experiment,
    /// Versions of the programs that made the first of the runs.
    pub versions: Versions,
    /// The settings of the final runs.
    pub config: ExperimentConfig,
    /// The search for strengths. `None` if there was none to search for.
    pub search: Option<OracleSearch>,
    /// The methods, in the order of `si methods`.
    pub methods: Vec<ComparedMethod>,
    /// Methods that are not compared.
    pub left_out: Vec<LeftOut>,
    /// What publications lead us to expect, tested on the final runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Claim>,
}

/// A search for the strengths of all methods, on held-out images of all tasks. Such a search is called an oracle, because
/// it knows images of tasks that a learner no longer has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OracleSearch {
    /// Strengths that were tried for each method.
    pub num_trials: usize,
    /// Training images of each task that were held out and tested on.
    pub num_held_out: usize,
    /// Seeds of each trial.
    pub seeds: Vec<u64>,
}

/// Finished runs, with their settings.
#[derive(Clone, Copy, Debug)]
pub struct Runs<'a> {
    /// The settings.
    pub config: &'a ExperimentConfig,
    /// The runs.
    pub records: &'a [RunRecord],
}

/// The runs of one phase, summarised.
struct Phase<'a> {
    config: &'a ExperimentConfig,
    summary: Summary,
}

impl<'a> Phase<'a> {
    fn new(runs: Runs<'a>) -> Result<Self, Error> {
        Ok(Self {
            config: runs.config,
            summary: Summary::new(runs.config, runs.records)?,
        })
    }

    /// The runs of each of the trials of `candidate`.
    fn trials(&self, candidate: &Candidate) -> Vec<&ConditionSummary> {
        let conditions = self.config.methods.iter().zip(self.config.conditions());
        let tried = conditions.filter(|(spec, _)| candidate.trials.contains(spec));
        tried
            .filter_map(|(_, condition)| self.of(&condition.name))
            .collect()
    }

    fn of(&self, name: &str) -> Option<&ConditionSummary> {
        let mut conditions = self.summary.conditions.iter();
        conditions.find(|it| it.condition.name == name)
    }
}

/// For each of `candidates`, the trial that was best in a `search`, or its only one.
///
/// # Errors
///
/// [`Error::Records`] if the runs cannot be combined, or if those of a candidate are missing.
pub fn best_trials(search: Runs<'_>, candidates: &[Candidate]) -> Result<Vec<MethodSpec>, Error> {
    let phase = Phase::new(search)?;
    let best = candidates.iter().map(|candidate| {
        if let [only] = &candidate.trials[..] {
            return Ok(only.clone());
        }
        let best = BestStrength::among(&phase.trials(candidate));
        let best = best.and_then(|best| {
            let mut trials = candidate.trials.iter();
            trials.find(|it| it.given().get(best.parameter.key) == Some(&best.value()))
        });
        best.cloned().ok_or_else(|| {
            Error::Records(format!(
                "the search has no finished run of {}: resume it first",
                candidate.text
            ))
        })
    });
    best.collect()
}

impl Comparison {
    /// Joins the finished runs of the methods that were selected: those with fresh seeds, and those of the search for
    /// strengths, if there was one.
    ///
    /// # Errors
    ///
    /// [`Error::Records`] if the runs cannot be combined, and those of [`Selection::candidates`].
    pub fn new(
        selection: &Selection,
        fresh: Runs<'_>,
        search: Option<Runs<'_>>,
    ) -> Result<Self, Error> {
        let last = Phase::new(fresh)?;
        let first = search.map(Phase::new).transpose()?;
        let published = Published::of(fresh.config);
        let mut methods = Vec::new();
        for candidate in selection.candidates(fresh.config.experiment)? {
            let best = first.as_ref().filter(|_| candidate.is_searched());
            let tried = best.map(|it| it.trials(&candidate)).unwrap_or_default();
            let best = BestStrength::among(&tried);
            let has_equal_memory = selection.equal_memory.as_ref() == Some(&candidate.text);
            let summaries = last.trials(&candidate).into_iter();
            methods.extend(summaries.filter_map(|summary| {
                let best = best.as_ref();
                let method = ComparedMethod::new(summary, fresh.records, best, has_equal_memory)?;
                let published = published.and_then(|it| it.number(fresh.config, &method.condition));
                Some(ComparedMethod {
                    published,
                    ..method
                })
            }));
        }
        // Accuracies on held-out images are not evidence.
        let claims = match fresh.config.num_held_out {
            None => claims(fresh.config, &last.summary),
            Some(_) => Vec::new(),
        };
        Ok(Self {
            experiment: fresh.config.experiment,
            versions: last.summary.versions,
            config: fresh.config.clone(),
            search: search.map(|search| OracleSearch {
                num_trials: selection.num_trials,
                num_held_out: search.config.num_held_out.unwrap_or(0),
                seeds: search.config.seeds().collect(),
            }),
            methods,
            left_out: selection.left_out.clone(),
            claims,
        })
    }

    /// The text of `compare.json`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a comparison has only JSON's types") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::testing;
    use crate::fixture;
    use crate::methods::methods;

    #[test]
    fn final_runs_have_the_strength_that_was_best_in_the_search() {
        let comparison = testing::comparison();
        let labels: Vec<&str> = comparison
            .methods
            .iter()
            .map(|it| it.label.as_str())
            .collect();
        assert_eq!(
            labels,
            [
                "none (c = 0)",
                "si (c = 10)",
                "er (M = 500)",
                "er (M = 129), bytes of si"
            ]
        );
        let [plain, si, ..] = &comparison.methods[..] else {
            panic!("there are four methods");
        };
        assert_eq!(plain.searched, None);
        let searched = si.searched.as_ref().expect("it was searched");
        assert_eq!(searched.tried, [0.001, 0.1, 10.0]);
        assert_eq!((searched.chosen, searched.is_at_end), (10.0, true));
        assert!(si.average_accuracy.mean > plain.average_accuracy.mean);
        let search = comparison.search.as_ref().expect("there was one");
        let far = search.seeds.iter().all(|seed| !si.seeds.contains(seed));
        assert!(far, "{:?}", search.seeds);
    }

    /// A new network for each task has never seen the tasks before, although it is tested on them.
    #[test]
    fn a_new_network_for_each_task_has_no_measures_of_stability() {
        let config = ExperimentConfig {
            methods: methods("none,scratch,joint"),
            num_tasks: 2,
            evaluate_each_epoch: true,
            ..fixture::config(&[0.0], 1)
        };
        let mut records = fixture::records(&config, 2);
        for record in &mut records {
            record.epochs[0].accuracy = vec![0.9];
            record.epochs[1].accuracy = vec![0.5, 0.9];
        }
        let fresh = Runs {
            config: &config,
            records: &records,
        };
        let named = ["none", "scratch", "joint"].map(str::to_string).to_vec();
        let comparison = Comparison::new(&Selection::named(named, 3), fresh, None);
        let methods = comparison.expect("the runs belong together").methods;
        let has_measures = methods.iter().map(|it| {
            let measures = [it.min_accuracy, it.worst_case_accuracy];
            (it.condition.name.as_str(), measures.map(|it| it.is_some()))
        });
        let has_measures: Vec<(&str, [bool; 2])> = has_measures.collect();
        let expected = [
            ("none", [true; 2]),
            ("joint", [false; 2]),
            ("scratch", [false; 2]),
        ];
        assert_eq!(has_measures, expected);
    }

    #[test]
    fn json_is_read_back_to_the_same() {
        let comparison = testing::comparison();
        let json = comparison.to_json();
        let read: Comparison = serde_json::from_str(&json).expect("it is one");
        assert_eq!(read.to_json(), json);
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        for key in [
            "label",
            "average_accuracy",
            "forgetting",
            "backward_transfer",
            "learning_accuracy",
            "min_accuracy",
            "old_accuracy",
            "newest_accuracy",
            "cost",
            "seconds",
        ] {
            assert!(value["methods"][1].get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn a_candidate_without_a_finished_trial_is_named() {
        let (selection, config) = (testing::selection(), testing::search_config());
        let candidates = selection
            .candidates(config.experiment)
            .expect("well formed");
        let search = Runs {
            config: &config,
            records: &[],
        };
        let error = best_trials(search, &candidates).expect_err("nothing is finished");
        assert_eq!(
            error.to_string(),
            "the search has no finished run of si: resume it first"
        );
    }
}
