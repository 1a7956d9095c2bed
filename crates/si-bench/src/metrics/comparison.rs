use serde::{Deserialize, Serialize};

use super::{Statistic, student};

/// A difference of means with its confidence interval.
///
/// The interval has 90 %. A one-sided test at 5 % rejects all values on one side of it. Two such
/// tests, one for each side, are the test of equivalence (Schuirmann 1987).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The difference.
    pub mean: f64,
    /// Ends of the interval, low and high. `None` if the spread is unknown.
    pub interval: Option<(f64, f64)>,
}

/// The result of testing a claim about a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is as claimed, at 5 %.
    Holds,
    /// It is not as claimed, at 5 %.
    Fails,
    /// There are too few runs, or they spread too widely, to decide.
    Undecided,
    /// As claimed, but in a single run, whose spread is unknown.
    HoldsOnce,
    /// Not as claimed, but in a single run, whose spread is unknown.
    FailsOnce,
}

/// A claim about a difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claimed {
    /// It is above this number.
    Above(f64),
    /// It is below this number.
    Below(f64),
    /// Its size is below this margin: the two are equivalent.
    Within(f64),
}

impl Difference {
    /// Mean of first − second for paired values, one pair per run, such as two conditions at the
    /// same seed. `None` without a pair.
    pub fn paired(first: &[f64], second: &[f64]) -> Option<Self> {
        let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
        Self::from_number(&differences, 0.0)
    }

    /// Mean of `values`, one per run, − a number that is known exactly. `None` without a value.
    pub fn from_number(values: &[f64], number: f64) -> Option<Self> {
        Self::from_number_among(values, number, 1)
    }

    /// Like [`from_number`](Self::from_number), if this is the most extreme of `count` ≥ 1
    /// differences: an end of the interval is missed with probability 5 % / `count` (Bonferroni).
    pub fn from_number_among(values: &[f64], number: f64, count: usize) -> Option<Self> {
        let ours = Statistic::new(values)?;
        let degrees = ours.n as f64 - 1.0;
        let tail = TAIL / count as f64;
        Some(Self::new(ours.mean - number, ours.sem, degrees, tail))
    }

    /// Mean of `values`, one per run, − the mean of other values whose statistic alone is known
    /// (Welch 1947). `None` without a value.
    ///
    /// If the spread of the others is unknown, the spread of `values` is used.
    pub fn from_statistic(values: &[f64], other: Statistic) -> Option<Self> {
        let ours = Statistic::new(values)?;
        let mean = ours.mean - other.mean;
        let Some((std, our_sem)) = ours.std.zip(ours.sem) else {
            return Some(Self::new(mean, None, 0.0, TAIL));
        };
        let Some(other_sem) = other.sem else {
            let sem = our_sem.hypot(std / (other.n as f64).sqrt());
            return Some(Self::new(mean, Some(sem), ours.n as f64 - 1.0, TAIL));
        };
        let (our_variance, other_variance) = (our_sem.powi(2), other_sem.powi(2));
        let variance = our_variance + other_variance;
        // Welch and Satterthwaite. If nothing varies, the interval has zero width for any number of
        // degrees.
        let degrees = if variance > 0.0 {
            // Shares of the variance, whose squares do not underflow.
            let share = our_variance / variance;
            let other_share = other_variance / variance;
            1.0 / (share.powi(2) / (ours.n as f64 - 1.0)
                + other_share.powi(2) / (other.n as f64 - 1.0))
        } else {
            1.0
        };
        Some(Self::new(mean, Some(variance.sqrt()), degrees, TAIL))
    }

    fn new(mean: f64, sem: Option<f64>, degrees: f64, tail: f64) -> Self {
        Self {
            mean,
            interval: sem.map(|sem| {
                let half = student::quantile(1.0 - tail, degrees) * sem;
                (mean - half, mean + half)
            }),
        }
    }

    /// Whether the difference is as claimed.
    pub fn verdict(&self, claimed: Claimed) -> Verdict {
        let (low, high) = self.interval.unwrap_or((self.mean, self.mean));
        let (is_so, is_not) = match claimed {
            Claimed::Above(limit) => (low > limit, high <= limit),
            Claimed::Below(limit) => (high < limit, low >= limit),
            Claimed::Within(margin) => (
                -margin < low && high < margin,
                low >= margin || high <= -margin,
            ),
        };
        match (self.interval.is_some(), is_so, is_not) {
            (true, true, _) => Verdict::Holds,
            (true, _, true) => Verdict::Fails,
            (true, false, false) => Verdict::Undecided,
            (false, true, _) => Verdict::HoldsOnce,
            (false, false, _) => Verdict::FailsOnce,
        }
    }
}

/// Probability that one end of an interval is missed.
const TAIL: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_spread_is_assumed_to_equal_ours() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        let once = Statistic::new(&[2.0]).expect("a value");
        let difference = Difference::from_statistic(&values, once).expect("values");
        let (low, high) = difference.interval.expect("a spread");
        // t(0.95, 4) = 2.1318, and √(2.5 (1/5 + 1)).
        let half = 2.131_846_786 * 3.0_f64.sqrt();
        assert!((low - (1.0 - half)).abs() < 1e-6 && (high - (1.0 + half)).abs() < 1e-6);
    }

    #[test]
    fn an_interval_among_several_is_wider() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        let difference = Difference::from_number_among(&values, 3.0, 2).expect("values");
        let (_, high) = difference.interval.expect("a spread");
        // t(0.975, 4) = 2.7764.
        assert!((high - 2.776_445_105 * 0.5_f64.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn the_interval_matches_the_textbook() {
        // Mean 3, standard deviation √2.5, t(0.95, 4) = 2.1318.
        let difference = Difference::from_number(&[1.0, 2.0, 3.0, 4.0, 5.0], 1.0).expect("values");
        let (low, high) = difference.interval.expect("a spread");
        let half = 2.131_846_786 * (2.5_f64 / 5.0).sqrt();
        assert_eq!(difference.mean, 2.0);
        assert!((low - (2.0 - half)).abs() < 1e-6);
        assert!((high - (2.0 + half)).abs() < 1e-6);
    }

    #[test]
    fn two_samples_of_equal_size_and_spread_add_their_degrees_of_freedom() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        let other = Statistic::new(&values).expect("values");
        let difference = Difference::from_statistic(&values, other).expect("values");
        let (_, high) = difference.interval.expect("a spread");
        // t(0.95, 8) = 1.8595.
        assert!((high - 1.859_548_038).abs() < 1e-6, "{high}");
    }

    #[test]
    fn pairs_remove_what_both_samples_share() {
        let difference = Difference::paired(&[1.0, 5.0, 9.0], &[0.0, 4.0, 8.0]).expect("pairs");
        assert_eq!(difference.interval, Some((1.0, 1.0)));
    }

    #[test]
    fn verdicts_follow_the_interval() {
        let at = |low: f64, high: f64| Difference {
            mean: 0.5 * (low + high),
            interval: Some((low, high)),
        };
        for (difference, claimed, expected) in [
            (at(0.1, 0.2), Claimed::Above(0.0), Verdict::Holds),
            (at(-0.1, 0.2), Claimed::Above(0.0), Verdict::Undecided),
            (at(-0.2, -0.1), Claimed::Above(0.0), Verdict::Fails),
            (at(-0.2, -0.1), Claimed::Below(0.0), Verdict::Holds),
            (at(-0.2, 0.2), Claimed::Within(0.3), Verdict::Holds),
            (at(-0.2, 0.2), Claimed::Within(0.1), Verdict::Undecided),
            (at(0.2, 0.4), Claimed::Within(0.1), Verdict::Fails),
        ] {
            assert_eq!(difference.verdict(claimed), expected, "{difference:?}");
        }
        let once = Difference::from_number(&[1.0], 0.0).expect("a value");
        assert_eq!(once.verdict(Claimed::Above(0.5)), Verdict::HoldsOnce);
        assert_eq!(once.verdict(Claimed::Below(0.5)), Verdict::FailsOnce);
    }
}
