mod words;

use serde::{Deserialize, Serialize};

use crate::experiment::ConditionSummary;
use crate::metrics::{AccuracyMatrix, Claimed, Difference, Statistic, Verdict};

pub(crate) use words::{cells, header, verdict};

/// A claim of the paper or of other publications, tested on our runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// What is claimed.
    pub statement: String,
    /// What is measured to test it, as a share: accuracies and correlations are in `[0, 1]`.
    pub measure: String,
    /// Our number, over seeds.
    pub ours: Statistic,
    /// The number of the publication, if it has one.
    pub paper: Option<f64>,
    /// What is tested: our number minus the number that it is compared with.
    pub difference: Difference,
    /// What is claimed about the difference.
    pub claimed: Claimed,
    /// Whether this holds.
    pub verdict: Verdict,
}

impl Claim {
    /// The claim that our number is equivalent to the paper's: closer to it than `margin`. `ours`
    /// has one value per seed. `None` without a value.
    pub(crate) fn equals_paper(
        statement: impl Into<String>,
        measure: impl Into<String>,
        ours: &[f64],
        paper: Statistic,
        margin: f64,
    ) -> Option<Self> {
        let difference = Difference::from_statistic(ours, paper)?;
        let claimed = Claimed::Within(margin);
        Some(Self {
            statement: statement.into(),
            measure: measure.into(),
            ours: Statistic::new(ours)?,
            paper: Some(paper.mean),
            difference,
            claimed,
            verdict: difference.verdict(claimed),
        })
    }

    /// A claim about a single number, with one value per seed. `None` without a value.
    pub(crate) fn about(
        statement: impl Into<String>,
        measure: impl Into<String>,
        ours: &[f64],
        claimed: Claimed,
    ) -> Option<Self> {
        let difference = Difference::from_number(ours, 0.0)?;
        Some(Self {
            statement: statement.into(),
            measure: measure.into(),
            ours: Statistic::new(ours)?,
            paper: None,
            difference,
            claimed,
            verdict: difference.verdict(claimed),
        })
    }

    /// The claim that a number is above `limit` on every one of `tasks`. `differences` has one
    /// value per seed for each task. The task with the lowest end of the interval is shown.
    ///
    /// The claim holds if it holds on each task. It fails if it fails on one task at 5 % / number
    /// of tasks (Bonferroni). `None` without tasks or values.
    pub(crate) fn on_every_task(
        statement: impl Into<String>,
        measure: &str,
        tasks: std::ops::Range<usize>,
        differences: impl Fn(usize) -> Vec<f64>,
        limit: f64,
    ) -> Option<Self> {
        let claimed = Claimed::Above(limit);
        let count = tasks.len();
        let each: Vec<(usize, Vec<f64>, Difference)> = tasks
            .filter_map(|task| {
                let values = differences(task);
                let difference = Difference::from_number(&values, 0.0)?;
                Some((task, values, difference))
            })
            .collect();
        let verdicts = each.iter().map(|(_, values, difference)| {
            let strict = Difference::from_number_among(values, 0.0, count)?;
            Some((difference.verdict(claimed), strict.verdict(claimed)))
        });
        let verdicts: Vec<(Verdict, Verdict)> = verdicts.collect::<Option<_>>()?;
        let any_strict = |wanted| verdicts.iter().any(|(_, strict)| *strict == wanted);
        let verdict = if any_strict(Verdict::Fails) {
            Verdict::Fails
        } else if any_strict(Verdict::FailsOnce) {
            Verdict::FailsOnce
        } else if verdicts.iter().all(|(plain, _)| *plain == Verdict::Holds) {
            Verdict::Holds
        } else if any_strict(Verdict::HoldsOnce) {
            Verdict::HoldsOnce
        } else {
            Verdict::Undecided
        };
        let low = |difference: &Difference| difference.interval.map_or(difference.mean, |it| it.0);
        let least = each
            .into_iter()
            .min_by(|(.., left), (.., right)| low(left).total_cmp(&low(right)));
        let (task, values, difference) = least?;
        Some(Self {
            statement: statement.into(),
            measure: format!(
                "{measure}; shown is task {}, where it is least so",
                task + 1
            ),
            ours: Statistic::new(&values)?,
            paper: None,
            difference,
            claimed,
            verdict,
        })
    }
}

/// One run of a condition.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    condition: &'a ConditionSummary,
    index: usize,
}

impl<'a> Run<'a> {
    /// The accuracies on the test images.
    pub(crate) fn test(self) -> &'a AccuracyMatrix {
        &self.condition.accuracy[self.index]
    }

    /// The accuracies on the training images.
    pub(crate) fn train(self) -> &'a AccuracyMatrix {
        &self.condition.train_accuracy[self.index]
    }

    /// Average test accuracy after the last task.
    pub(crate) fn average(self) -> f64 {
        last_average(self.test())
    }

    /// Average training accuracy after the last task.
    pub(crate) fn train_average(self) -> f64 {
        last_average(self.train())
    }

    /// Test accuracy on `task` after the last one.
    pub(crate) fn at_end(self, task: usize) -> f64 {
        self.test().last()[task]
    }

    /// Test accuracy on `task` right after its own training.
    pub(crate) fn learnt(self, task: usize) -> f64 {
        self.test().rows()[task][task]
    }

    /// Mean correlation between the path integrals of two tasks in a hidden layer, from 1.
    pub(crate) fn correlation(self, layer: usize) -> Option<f64> {
        let layer = self.layer(layer)?;
        layer.mean_between(layer.matrix.len())
    }

    /// The correlations of a hidden layer, from 1.
    pub(crate) fn layer(self, layer: usize) -> Option<&'a crate::metrics::LayerCorrelations> {
        let layers = self.condition.correlations.get(self.index)?;
        layers.iter().find(|one| one.layer == layer)
    }
}

/// One value per seed, for the seeds that have one.
pub(crate) fn values(condition: &ConditionSummary, of: impl Fn(Run) -> Option<f64>) -> Vec<f64> {
    runs(condition).filter_map(|(_, run)| of(run)).collect()
}

/// For each seed that both conditions have run: the value of `first` for one minus the value of
/// `second` for the other. Seeds without both values are left out.
pub(crate) fn differences(
    [left, right]: [&ConditionSummary; 2],
    first: impl Fn(Run) -> Option<f64>,
    second: impl Fn(Run) -> Option<f64>,
) -> Vec<f64> {
    let pairs = runs(left).filter_map(|(seed, run)| {
        let (_, other) = runs(right).find(|(other, _)| *other == seed)?;
        Some(first(run)? - second(other)?)
    });
    pairs.collect()
}

fn runs(condition: &ConditionSummary) -> impl Iterator<Item = (u64, Run<'_>)> {
    let seeds = condition.seeds.iter().enumerate();
    seeds.map(move |(index, seed)| (*seed, Run { condition, index }))
}

fn last_average(matrix: &AccuracyMatrix) -> f64 {
    let averages = matrix.average_accuracies();
    averages.last().copied().unwrap_or_default()
}
