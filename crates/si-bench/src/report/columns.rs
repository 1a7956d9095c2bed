use crate::experiment::{ConditionSummary, ExperimentConfig};

use super::{Reference, Results};

/// One condition of one run, as a column of a table and a line of a figure.
#[derive(Clone, Copy)]
pub(super) struct Column<'a> {
    /// The run's name, if there are several runs.
    pub(super) run: Option<&'a str>,
    pub(super) config: &'a ExperimentConfig,
    pub(super) condition: &'a ConditionSummary,
}

impl<'a> Column<'a> {
    /// All conditions of all `results`, in order.
    pub(super) fn all(results: &'a [Results]) -> Vec<Self> {
        let several = results.len() > 1;
        results
            .iter()
            .flat_map(|results| {
                results
                    .summary
                    .conditions
                    .iter()
                    .map(move |condition| Self {
                        run: several.then_some(results.label.as_str()),
                        config: &results.config,
                        condition,
                    })
            })
            .collect()
    }

    /// The run's name (if there are several runs) and the condition's, joined by `separator`.
    pub(super) fn name(&self, separator: &str) -> String {
        match self.run {
            Some(run) => format!("{run}{separator}{}", self.condition.condition.label()),
            None => self.condition.condition.label(),
        }
    }

    /// The paper's accuracy after the last task, if this is a condition of the paper.
    pub(super) fn paper(&self) -> Paper {
        let curve = Reference::of(self.config.experiment).curve(&self.condition.condition);
        match curve.and_then(|curve| curve.average_accuracy.get(self.condition.num_tasks() - 1)) {
            None => Paper::Absent,
            Some(_) if !Reference::departures(self.config).is_empty() => Paper::OtherProtocol,
            Some(accuracy) => Paper::Accuracy(*accuracy),
        }
    }
}

/// The paper's result for a condition.
pub(super) enum Paper {
    /// Its accuracy after the same number of tasks.
    Accuracy(f64),
    /// The paper has this condition, but under another protocol.
    OtherProtocol,
    /// The paper does not have this condition.
    Absent,
}
