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
    pub(super) records: Vec<&'a RunRecord>,
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
mod tests;
