use serde::{Deserialize, Serialize};

use super::results::Runs;
use super::{HiddenUnits, Outcome};

/// What is compared of a frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// The lowest error on the new task.
    Adapting,
    /// The lowest error on the old task.
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
    /// It depends on a single configuration, or on runs that all diverged.
    Undecided,
}

impl Aspect {
    /// All of them.
    pub const ALL: [Aspect; 3] = [Aspect::Adapting, Aspect::Remembering, Aspect::TradeOff];

    /// What it is of a run after an epoch.
    fn of(self, outcome: &Outcome) -> f64 {
        match self {
            Aspect::Adapting => outcome.new_error,
            Aspect::Remembering => outcome.old_error,
            Aspect::TradeOff => outcome.sum(),
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
    pub(super) fn measure(self) -> &'static str {
        match self {
            Aspect::Adapting => "lowest error on the new task",
            Aspect::Remembering => "lowest error on the old task",
            Aspect::TradeOff => "lowest sum of both errors",
        }
    }
}

impl Verdict {
    /// As it stands in a table.
    pub(super) fn word(self) -> &'static str {
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
    let outcomes = |units, has_dropout| {
        let mut runs = runs.iter();
        let of_kind = |it: &&Runs| it.kind.units == units && it.kind.has_dropout == has_dropout;
        runs.find(of_kind).map_or(&[][..], |it| &it.outcomes)
    };
    let finding = |aspect: Aspect| {
        let compare = |units| {
            DropoutComparison::new(aspect, units, outcomes(units, false), outcomes(units, true))
        };
        let comparisons: Vec<DropoutComparison> =
            HiddenUnits::ALL.into_iter().filter_map(compare).collect();
        Finding {
            aspect,
            verdict: Verdict::of(&comparisons),
            comparisons,
        }
    };
    Aspect::ALL.map(finding).to_vec()
}

impl DropoutComparison {
    /// `None` if there are no outcomes without dropout, or none with it.
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
            left.map(|it| aspect.of(it)).min_by(f64::total_cmp)
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
        let values = Aspect::ALL.map(|aspect| aspect.of(&outcome));
        assert_eq!(values, [0.25, 0.5, 0.75]);
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
}
