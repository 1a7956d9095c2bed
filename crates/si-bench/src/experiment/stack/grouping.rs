use si_core::settings::Normalization;

use crate::Error;
use crate::experiment::{Condition, Experiment, ExperimentConfig};
use crate::methods::{Parts, Regime};

/// Condition and seed of each run of a group.
type Runs = Vec<(Condition, u64)>;

/// What the runs of a stack must have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Kind {
    /// Whether a new network learns each task: then all replicas are replaced at once.
    pub(super) regime: Regime,
    /// The learner of a stack has one damping ξ for all replicas, although each has its own strength.
    damping: f64,
}

impl ExperimentConfig {
    /// Divides runs into groups that can be trained at once by [`StackedRuns`](crate::experiment::StackedRuns), each of at
    /// most `most` runs (at least 1). The groups are in the order of their first runs, and each has its runs in their order.
    ///
    /// A run can be in a group with others if
    ///
    /// - its network is a perceptron without dropout, whose units each have an activation, because an operation of the stack
    ///   must treat each replica alone: split CIFAR has convolutions;
    /// - its method is `none`, `si` or `scratch`, or a combination of these, because other methods have more state than a
    ///   stack knows. `joint` has minibatches of several tasks, each with its own mask and order of pixels;
    /// - its importance is not normalised, because the mean would be that of all replicas;
    /// - its strength is not chosen task by task, because each run would repeat a task on its own;
    /// - it is not tested after every epoch, which the loop of a stack does not do.
    ///
    /// All runs of a group learn either one network or a new one for each task, and have the same damping ξ. A run that
    /// cannot be in a group with others is a group by itself.
    pub fn in_stacks(&self, runs: Vec<(Condition, u64)>, most: usize) -> Vec<Runs> {
        let mut groups: Vec<(Option<Kind>, Runs)> = Vec::new();
        for run in runs {
            let kind = self.stack_kind(&run.0);
            let fits = |(other, group): &&mut (Option<Kind>, Runs)| {
                kind.is_some() && *other == kind && group.len() < most
            };
            match groups.iter_mut().find(fits) {
                Some((_, group)) => group.push(run),
                None => groups.push((kind, vec![run])),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// What the runs of a stack with `condition` have in common. `None` if it cannot be in a stack, for one of the reasons
    /// that [`in_stacks`](Self::in_stacks) lists.
    fn stack_kind(&self, condition: &Condition) -> Option<Kind> {
        let parts = condition.parts();
        let regime = parts.regime();
        // All parts are named, so that a new one is not overlooked here.
        let Parts {
            regime: _,
            synaptic: _,
            anchor: None,
            trunk: None,
            functional: None,
            memory: None,
            units: None,
            dropout: None,
            growth: None,
        } = parts
        else {
            return None;
        };
        let settings = self.synaptic_intelligence(condition);
        let can_be_stacked = self.experiment != Experiment::SplitCifar
            && regime != Regime::Jointly
            && settings.normalization == Normalization::Off
            && self.choice_rule(condition).is_none()
            && !self.evaluate_each_epoch;
        can_be_stacked.then_some(Kind {
            regime,
            damping: settings.damping,
        })
    }

    /// What these runs have in common, if they can be trained at once.
    pub(super) fn kind_of_stack(&self, runs: &[(Condition, u64)]) -> Result<Kind, Error> {
        let kind = |(condition, _): &(Condition, u64)| self.stack_kind(condition);
        match runs.first().and_then(kind) {
            Some(first) if runs.iter().all(|run| kind(run) == Some(first)) => Ok(first),
            _ => {
                let names: Vec<&str> = runs.iter().map(|(it, _)| &*it.name).collect();
                Err(Error::Config(format!(
                    "these runs cannot be trained at once, only in the groups of `in_stacks`: {}",
                    names.join(", ")
                )))
            }
        }
    }
}
