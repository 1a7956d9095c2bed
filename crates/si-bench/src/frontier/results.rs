use serde::{Deserialize, Serialize};

use crate::Error;
use crate::experiment::{RunRecord, Versions};

use super::envelope::{envelope, lowest_old_error};
use super::finding::findings;
use super::{Configuration, Finding, FrontierStudy, NetworkKind, Outcome};

/// The possibilities frontiers of all networks: the content of `frontier.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frontier {
    /// What was run.
    pub study: FrontierStudy,
    /// Versions of the programs that made the first of the runs.
    pub versions: Versions,
    /// What was drawn.
    pub configurations: Vec<Configuration>,
    /// The networks, in the order of [`NetworkKind::all`].
    pub networks: Vec<NetworkFrontier>,
    /// What the paper finds, and whether it is so here.
    pub findings: Vec<Finding>,
}

/// The possibilities frontier of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkFrontier {
    /// The network.
    #[serde(flatten)]
    pub kind: NetworkKind,
    /// Runs, one for each configuration.
    pub num_runs: usize,
    /// Runs with a loss that was not finite. They are left out of everything below.
    pub num_diverged: usize,
    /// Pairs of errors that the frontier is the envelope of.
    pub num_outcomes: usize,
    /// The lowest error on the old task for some errors on the new one.
    pub thresholds: Vec<Threshold>,
    /// Where the sum of both errors is lowest. `None` if every run diverged.
    pub lowest_sum: Option<LowestSum>,
    /// The lower-left envelope, from the lowest error on the new task on.
    pub frontier: Vec<Outcome>,
}

/// The lowest error on the old task that a network reaches together with a given error on the new one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The largest error on the new task.
    pub new_error: f64,
    /// The lowest error on the old task. `None` if the network is never that good at the new task.
    pub old_error: Option<f64>,
}

/// Where the sum of both errors is lowest, and the size of the network there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LowestSum {
    /// The errors.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Their sum.
    pub sum: f64,
    /// Units of each hidden layer.
    pub hidden_sizes: Vec<usize>,
    /// Sums of each hidden unit.
    pub sums_per_unit: usize,
    /// Parameters of the network. `None` if its run did not record what it cost.
    pub num_parameters: Option<u64>,
}

/// Errors on the new task for which the lowest error on the old one is shown.
pub(super) const LIMITS: [f64; 3] = [0.06, 0.1, 0.2];

/// A network's runs, in the order of the configurations, and what they reached.
pub(super) struct Runs<'a> {
    pub(super) kind: NetworkKind,
    records: Vec<&'a RunRecord>,
    /// Those of runs that did not diverge.
    pub(super) outcomes: Vec<Outcome>,
}

impl Frontier {
    /// Makes the frontiers of the runs of `study`: those of each configuration, in order.
    ///
    /// # Errors
    ///
    /// [`Error::Records`] if a run is missing or was not tested after every epoch of the new task.
    pub fn new(study: &FrontierStudy, records: &[Vec<RunRecord>]) -> Result<Self, Error> {
        let configurations: Vec<Configuration> = study.configurations().collect();
        let kinds = NetworkKind::all().enumerate();
        let runs = kinds.map(|(index, kind)| Runs::new(study, (index, kind), records));
        let runs: Vec<Runs> = runs.collect::<Result<_, _>>()?;
        let mut all = records.iter().flatten();
        let networks = runs.iter();
        Ok(Self {
            study: study.clone(),
            versions: all
                .next()
                .map_or_else(Versions::current, |it| it.versions.clone()),
            networks: networks
                .map(|it| NetworkFrontier::new(it, &configurations))
                .collect(),
            findings: findings(&runs),
            configurations,
        })
    }

    /// The text of `frontier.json`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a frontier has only JSON's types") + "\n"
    }
}

impl<'a> Runs<'a> {
    /// Those of the network `kind`, which is the one at `index` in every configuration.
    fn new(
        study: &FrontierStudy,
        (index, kind): (usize, NetworkKind),
        records: &'a [Vec<RunRecord>],
    ) -> Result<Self, Error> {
        let mut runs = Self {
            kind,
            records: Vec::new(),
            outcomes: Vec::new(),
        };
        for configuration in study.configurations() {
            let number = configuration.number;
            let conditions = study.experiment(&configuration).conditions();
            let name = &conditions[index].name;
            let mut of_configuration = records.get(number - 1).into_iter().flatten();
            let record = of_configuration.find(|it| it.condition.name == *name);
            let record = record.ok_or_else(|| {
                Error::Records(format!(
                    "the run of {kind} in configuration {number} is missing"
                ))
            })?;
            if !has_diverged(record) {
                runs.outcomes.extend(outcomes(record, number).ok_or_else(|| {
                    Error::Records(format!(
                        "the run of {kind} in configuration {number} was not tested after every epoch"
                    ))
                })?);
            }
            runs.records.push(record);
        }
        Ok(runs)
    }
}

impl NetworkFrontier {
    fn new(runs: &Runs, configurations: &[Configuration]) -> Self {
        let frontier = envelope(&runs.outcomes);
        let diverged = runs.records.iter().filter(|it| has_diverged(it));
        let threshold = |new_error| Threshold {
            new_error,
            old_error: lowest_old_error(&frontier, new_error),
        };
        let by_sum = |one: &&Outcome, other: &&Outcome| one.sum().total_cmp(&other.sum());
        let lowest = frontier.iter().min_by(by_sum);
        Self {
            kind: runs.kind,
            num_runs: runs.records.len(),
            num_diverged: diverged.count(),
            num_outcomes: runs.outcomes.len(),
            thresholds: LIMITS.map(threshold).to_vec(),
            lowest_sum: lowest.map(|outcome| {
                let index = outcome.configuration - 1;
                LowestSum {
                    outcome: *outcome,
                    sum: outcome.sum(),
                    hidden_sizes: configurations[index].hidden_sizes.clone(),
                    sums_per_unit: configurations[index].sums_per_unit(runs.kind),
                    num_parameters: num_parameters(runs.records[index]),
                }
            }),
            frontier,
        }
    }
}

fn has_diverged(record: &RunRecord) -> bool {
    record.epochs.iter().any(|epoch| epoch.task_loss.is_none())
}

/// The errors after each epoch of the new task. `None` if it was not tested after every one.
fn outcomes(record: &RunRecord, configuration: usize) -> Option<Vec<Outcome>> {
    let epochs = record.epochs.iter().filter(|epoch| epoch.task == 1);
    let outcomes = epochs.map(|epoch| match epoch.accuracy[..] {
        [old, new] => Some(Outcome {
            new_error: 1.0 - new,
            old_error: 1.0 - old,
            configuration,
            epoch: epoch.epoch + 1,
        }),
        _ => None,
    });
    outcomes.collect()
}

/// Those of the plain network, and those that its units add. No network of the study keeps anything else.
fn num_parameters(record: &RunRecord) -> Option<u64> {
    record
        .cost
        .map(|cost| cost.num_parameters + cost.kept.floats)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontier::testing::{self, NUM_CONFIGURATIONS};

    #[test]
    fn a_network_has_the_envelope_of_all_its_runs_and_epochs() {
        let frontier = testing::frontier();
        assert_eq!(frontier.networks.len(), 6);
        for network in &frontier.networks {
            assert_eq!(network.num_runs, NUM_CONFIGURATIONS);
            assert!(
                network
                    .frontier
                    .is_sorted_by_key(|it| it.new_error.to_bits())
            );
            let falls = |pair: &[Outcome]| pair[1].old_error < pair[0].old_error;
            assert!(network.frontier.windows(2).all(falls), "{network:?}");
            let lowest = network.lowest_sum.as_ref().expect("some run is finite");
            assert!(network.frontier.iter().all(|it| it.sum() >= lowest.sum));
            let index = lowest.outcome.configuration - 1;
            let drawn = &frontier.configurations[index];
            assert_eq!(lowest.hidden_sizes, drawn.hidden_sizes);
        }
        let maxout = frontier.networks.last().expect("six networks");
        let lowest = maxout.lowest_sum.as_ref().expect("some run is finite");
        assert!(lowest.sums_per_unit > 1);
        assert_eq!(lowest.num_parameters, Some(1000 + 500));
    }

    #[test]
    fn runs_that_diverged_are_counted_and_left_out() {
        let (study, mut records) = (testing::study(), testing::records());
        let whole = Frontier::new(&study, &records).expect("every run is there");
        // The best errors of all, in a run that diverges afterwards.
        let run = &mut records[1][2];
        run.epochs[1].accuracy = vec![1.0, 1.0];
        let last = run.epochs.last_mut().expect("there are epochs");
        last.task_loss = None;
        let frontier = Frontier::new(&study, &records).expect("every run is there");
        let lwta = &frontier.networks[2];
        assert_eq!((lwta.num_runs, lwta.num_diverged), (NUM_CONFIGURATIONS, 1));
        assert!(lwta.num_outcomes < whole.networks[2].num_outcomes);
        assert!(lwta.frontier.iter().all(|it| it.configuration != 2));
        assert_eq!(frontier.networks[3], whole.networks[3]);

        for configuration in &mut records {
            configuration[2].epochs[0].task_loss = None;
        }
        let frontier = Frontier::new(&study, &records).expect("every run is there");
        let lwta = &frontier.networks[2];
        assert_eq!(
            (lwta.num_diverged, lwta.num_outcomes),
            (NUM_CONFIGURATIONS, 0)
        );
        assert_eq!(lwta.lowest_sum, None);
        assert!(lwta.thresholds.iter().all(|it| it.old_error.is_none()));
    }

    #[test]
    fn a_run_that_is_missing_or_was_not_tested_is_named() {
        let study = testing::study();
        let error = |records: &[Vec<RunRecord>]| {
            let frontier = Frontier::new(&study, records);
            frontier.expect_err("not complete").to_string()
        };
        let mut missing = testing::records();
        missing[1].remove(3);
        assert_eq!(
            error(&missing),
            "the run of LWTA, dropout in configuration 2 is missing"
        );
        assert_eq!(
            error(&testing::records()[..1]),
            "the run of ReLU in configuration 2 is missing"
        );
        let mut untested = testing::records();
        untested[0][0].epochs[1].accuracy.clear();
        assert_eq!(
            error(&untested),
            "the run of ReLU in configuration 1 was not tested after every epoch"
        );
    }

    #[test]
    fn json_is_read_back_to_the_same() {
        let frontier = testing::frontier();
        let json = frontier.to_json();
        let read: Frontier = serde_json::from_str(&json).expect("it is one");
        assert_eq!(read.to_json(), json);
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(value["networks"][1]["units"], "relu");
        assert_eq!(value["networks"][1]["has_dropout"], true);
    }
}
