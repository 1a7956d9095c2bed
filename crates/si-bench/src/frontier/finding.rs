use serde::{Deserialize, Serialize};

use super::results::Runs;
use super::table::whole_per_cent;
use super::{HiddenUnits, NetworkKind, Outcome};

/// What is compared of a frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// The lowest error on the new task.
    Adapting,
    /// The lowest error on the old task, of those at which the new task is [learnt](Aspect::LEARNT).
    Remembering,
    /// The lowest sum of both.
    TradeOff,
}

/// A finding of the paper about dropout, and whether it is so here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What dropout improves, according to the paper.
    pub aspect: Aspect,
    /// Without and with dropout, for each kind of units that has a run that did not diverge in both.
    pub comparisons: Vec<DropoutComparison>,
    /// For [`Aspect::Remembering`], the networks that never learnt the new task. If there is one, the finding is undecided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_learnt: Vec<NetworkKind>,
    /// Whether dropout improves it here.
    pub verdict: Verdict,
}

/// The same units without and with dropout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DropoutComparison {
    /// The units.
    pub units: HiddenUnits,
    /// The best without dropout.
    pub without: f64,
    /// The best with dropout.
    pub with: f64,
    /// Configurations each of which alone decides which of the two is lower: if it is left out, the answer is another one.
    pub decided_by: Vec<usize>,
}

/// Whether a finding is so in one study. It is no statistical test: the best of some random configurations has no known
/// spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is so for each kind of units, whichever configuration is left out.
    Holds,
    /// It is not so for some kind of units, whichever configuration is left out.
    DoesNotHold,
    /// It depends on a single configuration, on runs that all diverged, or on a network that never learnt the new task.
    Undecided,
}

impl Aspect {
    /// The largest error on the new task at which it is learnt. Without such a limit, a network that learns nothing new would
    /// remember best.
    pub const LEARNT: f64 = 0.1;

    /// All of them.
    pub const ALL: [Aspect; 3] = [Aspect::Adapting, Aspect::Remembering, Aspect::TradeOff];

    /// What it is of a run after an epoch. `None` if that does not count.
    fn of(self, outcome: &Outcome) -> Option<f64> {
        match self {
            Aspect::Adapting => Some(outcome.new_error),
            Aspect::Remembering => is_learnt(outcome).then_some(outcome.old_error),
            Aspect::TradeOff => Some(outcome.sum()),
        }
    }

    /// The paper's finding.
    pub(super) fn statement(self) -> &'static str {
        match self {
            Aspect::Adapting => "With dropout, networks adapt best to the new task",
            Aspect::Remembering => "With dropout, networks remember the old task best",
            Aspect::TradeOff => "With dropout, networks have the best trade-off of both",
        }
    }

    /// What is measured.
    pub(super) fn measure(self) -> String {
        match self {
            Aspect::Adapting => "lowest error on the new task".to_string(),
            Aspect::Remembering => {
                let limit = whole_per_cent(Aspect::LEARNT);
                format!("lowest error on the old task if that on the new one is ≤ {limit}")
            }
            Aspect::TradeOff => "lowest sum of both errors".to_string(),
        }
    }
}

impl Finding {
    fn new(aspect: Aspect, runs: &[Runs]) -> Self {
        let outcomes = |units, has_dropout| {
            let mut runs = runs.iter();
            let of_kind = |it: &&Runs| it.kind.units == units && it.kind.has_dropout == has_dropout;
            runs.find(of_kind).map_or(&[][..], |it| &it.outcomes)
        };
        let compare = |units| {
            DropoutComparison::new(aspect, units, outcomes(units, false), outcomes(units, true))
        };
        let comparisons: Vec<DropoutComparison> =
            HiddenUnits::ALL.into_iter().filter_map(compare).collect();
        let not_learnt = match aspect {
            Aspect::Remembering => not_learnt(runs),
            Aspect::Adapting | Aspect::TradeOff => Vec::new(),
        };
        Self {
            aspect,
            verdict: if not_learnt.is_empty() {
                Verdict::of(&comparisons)
            } else {
                Verdict::Undecided
            },
            comparisons,
            not_learnt,
        }
    }

    /// Whether it holds here, and the reason if a network did not learn the new task.
    pub(super) fn verdict(&self) -> String {
        let verdict = self.verdict.word();
        if self.not_learnt.is_empty() {
            return verdict.to_string();
        }
        let networks = if self.not_learnt.len() == NetworkKind::all().count() {
            "any network".to_string()
        } else {
            let names: Vec<String> = self.not_learnt.iter().map(NetworkKind::to_string).collect();
            names.join("; ")
        };
        format!("{verdict}, because the new task was not learnt by {networks}")
    }
}

/// The networks that never had an error on the new task at which it is learnt.
fn not_learnt(runs: &[Runs]) -> Vec<NetworkKind> {
    let others = runs.iter().filter(|it| !it.outcomes.iter().any(is_learnt));
    others.map(|it| it.kind).collect()
}

fn is_learnt(outcome: &Outcome) -> bool {
    outcome.new_error <= Aspect::LEARNT
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::DoesNotHold => "does not hold",
            Verdict::Undecided => "undecided",
        }
    }

    fn of(comparisons: &[DropoutComparison]) -> Self {
        let is_lower = |it: &&DropoutComparison| it.with < it.without;
        let is_firm = |it: &DropoutComparison| it.decided_by.is_empty();
        let mut others = comparisons.iter().filter(|it| !is_lower(it));
        if others.any(is_firm) {
            return Verdict::DoesNotHold;
        }
        let num_firm = comparisons.iter().filter(is_lower).filter(|it| is_firm(it));
        if num_firm.count() == HiddenUnits::ALL.len() {
            Verdict::Holds
        } else {
            Verdict::Undecided
        }
    }
}

/// The paper's findings about dropout, tested on these runs.
pub(super) fn findings(runs: &[Runs]) -> Vec<Finding> {
    Aspect::ALL
        .map(|aspect| Finding::new(aspect, runs))
        .to_vec()
}

impl DropoutComparison {
    /// `None` if no outcome without dropout counts, or none with it.
    fn new(
        aspect: Aspect,
        units: HiddenUnits,
        without: &[Outcome],
        with: &[Outcome],
    ) -> Option<Self> {
        let lowest = |outcomes: &[Outcome], left_out: Option<usize>| {
            let left = outcomes
                .iter()
                .filter(|it| Some(it.configuration) != left_out);
            left.filter_map(|it| aspect.of(it)).min_by(f64::total_cmp)
        };
        let is_lower = |left_out| Some(lowest(with, left_out)? < lowest(without, left_out)?);
        let answer = is_lower(None)?;
        let configurations = without.iter().chain(with).map(|it| it.configuration);
        let last = configurations.max()?;
        Some(Self {
            units,
            without: lowest(without, None)?,
            with: lowest(with, None)?,
            decided_by: (1..=last)
                .filter(|number| is_lower(Some(*number)) != Some(answer))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One outcome for each configuration, with these errors on the new task.
    fn outcomes(new_errors: &[f64]) -> Vec<Outcome> {
        let outcome = |(index, &new_error)| Outcome {
            new_error,
            old_error: 0.5,
            configuration: index + 1,
            epoch: 1,
        };
        new_errors.iter().enumerate().map(outcome).collect()
    }

    fn compared(without: &[f64], with: &[f64]) -> DropoutComparison {
        let [without, with] = [without, with].map(outcomes);
        DropoutComparison::new(Aspect::Adapting, HiddenUnits::Relu, &without, &with)
            .expect("there are outcomes")
    }

    fn verdict(comparisons: &[&DropoutComparison]) -> Verdict {
        let comparisons: Vec<DropoutComparison> = comparisons.iter().copied().cloned().collect();
        Verdict::of(&comparisons)
    }

    #[test]
    fn the_best_of_all_configurations_are_compared() {
        let found = compared(&[0.5, 0.25, 0.75], &[0.125, 0.5, 0.125]);
        assert_eq!((found.without, found.with), (0.25, 0.125));
        assert!(found.decided_by.is_empty());
    }

    #[test]
    fn a_configuration_that_decides_alone_is_named() {
        assert_eq!(compared(&[0.25, 0.5], &[0.125, 0.75]).decided_by, [1]);
        assert_eq!(compared(&[0.5, 0.25], &[0.75, 0.75, 0.125]).decided_by, [3]);
        // Not lower is the answer too if both are equal.
        let equal = compared(&[0.25, 0.25], &[0.25, 0.25]);
        assert!(equal.decided_by.is_empty());
        // Nothing is left without it.
        assert_eq!(compared(&[0.25], &[0.125]).decided_by, [1]);
    }

    #[test]
    fn each_aspect_compares_its_own_number() {
        let outcome = Outcome {
            new_error: 0.25,
            old_error: 0.5,
            configuration: 1,
            epoch: 1,
        };
        let values = |outcome| Aspect::ALL.map(|aspect| aspect.of(&outcome));
        // At 25 %, the new task is not learnt.
        assert_eq!(values(outcome), [Some(0.25), None, Some(0.75)]);
        let learnt = Outcome {
            new_error: Aspect::LEARNT,
            ..outcome
        };
        assert_eq!(values(learnt)[1], Some(0.5));
        let without = DropoutComparison::new(Aspect::Adapting, HiddenUnits::Relu, &[], &[outcome]);
        assert_eq!(without, None);
    }

    #[test]
    fn a_finding_holds_only_if_it_does_for_each_kind_of_units_and_without_each_configuration() {
        let lower = compared(&[0.5, 0.5], &[0.25, 0.25]);
        let higher = compared(&[0.25, 0.25], &[0.5, 0.5]);
        let by_one = compared(&[0.5, 0.5], &[0.25, 0.75]);
        assert_eq!(verdict(&[&lower, &lower, &lower]), Verdict::Holds);
        assert_eq!(verdict(&[&lower, &by_one, &lower]), Verdict::Undecided);
        assert_eq!(verdict(&[&lower, &by_one, &higher]), Verdict::DoesNotHold);
        assert_eq!(verdict(&[&lower, &lower]), Verdict::Undecided);
        assert_eq!(verdict(&[]), Verdict::Undecided);
    }
    /// Runs of each network, one for each configuration: `of` gives the errors on the new task and on the old one.
    fn remembering(of: impl Fn(NetworkKind) -> Vec<(f64, f64)>) -> Finding {
        let outcomes = |(index, (new_error, old_error))| Outcome {
            new_error,
            old_error,
            configuration: index + 1,
            epoch: 1,
        };
        let runs = NetworkKind::all().map(|kind| Runs {
            kind,
            records: Vec::new(),
            outcomes: of(kind).into_iter().enumerate().map(outcomes).collect(),
        });
        let runs: Vec<Runs> = runs.collect();
        findings(&runs).swap_remove(1)
    }

    #[test]
    fn a_network_that_learns_nothing_new_does_not_remember_best() {
        // Without dropout, some epochs keep the old task and do not learn the new one.
        let finding = remembering(|kind| match kind.has_dropout {
            false => vec![(0.9, 0.02), (0.05, 0.5), (0.05, 0.5)],
            true => vec![(0.05, 0.25), (0.05, 0.25), (0.9, 0.1)],
        });
        assert_eq!(finding.aspect, Aspect::Remembering);
        let [relu, ..] = &finding.comparisons[..] else {
            panic!("{finding:?}");
        };
        assert_eq!((relu.without, relu.with), (0.5, 0.25));
        assert_eq!(finding.verdict, Verdict::Holds);
        assert_eq!(finding.verdict(), "holds");
    }

    #[test]
    fn remembering_is_undecided_if_a_network_did_not_learn_the_new_task() {
        let learnt = vec![(0.05, 0.25), (0.05, 0.25)];
        let finding = remembering(|kind| match (kind.units, kind.has_dropout) {
            (HiddenUnits::Relu, false) | (HiddenUnits::Lwta, true) => vec![(0.2, 0.02)],
            _ => learnt.clone(),
        });
        // Maxout alone has both, and dropout is not better there.
        assert_eq!(finding.comparisons.len(), 1);
        assert_eq!(finding.verdict, Verdict::Undecided);
        assert_eq!(
            finding.verdict(),
            "undecided, because the new task was not learnt by ReLU; LWTA, dropout"
        );
        let finding = remembering(|_| vec![(0.2, 0.02)]);
        assert_eq!(finding.comparisons, []);
        assert_eq!(
            finding.verdict(),
            "undecided, because the new task was not learnt by any network"
        );
    }
}
