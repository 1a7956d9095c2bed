use serde::{Deserialize, Serialize};

/// Mean and spread of one number over n runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistic {
    /// Number of runs, at least 1.
    pub n: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the sample, which divides by n − 1. `None` at n = 1.
    pub std: Option<f64>,
    /// Standard error of the mean, `std` / √n. `None` at n = 1.
    pub sem: Option<f64>,
}

impl Statistic {
    /// The statistic of `values`, one per run. `None` without values.
    pub fn new(values: &[f64]) -> Option<Self> {
        let first = *values.first()?;
        let n = values.len();
        // Relative to the first value, so that equal values give exactly that mean and no spread.
        let mean = first + values.iter().map(|value| value - first).sum::<f64>() / n as f64;
        let std = (n > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            (squares / (n - 1) as f64).sqrt()
        });
        Some(Self {
            n,
            mean,
            std,
            sem: std.map(|std| std / (n as f64).sqrt()),
        })
    }
}

/// Means and spreads of several numbers, such as one per task, over the same n runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Number of runs, at least 1.
    pub n: usize,
    /// Means.
    pub mean: Vec<f64>,
    /// Standard deviations of the sample, which divide by n − 1. `None` at n = 1.
    pub std: Option<Vec<f64>>,
    /// Standard errors of the mean, `std` / √n. `None` at n = 1.
    pub sem: Option<Vec<f64>>,
}

impl Statistics {
    /// The statistics of `rows`, one per run; `[runs][numbers]`. `None` without rows, or if they
    /// differ in length.
    pub fn new(rows: &[Vec<f64>]) -> Option<Self> {
        let width = rows.first()?.len();
        if rows.iter().any(|row| row.len() != width) {
            return None;
        }
        let columns: Vec<Statistic> = (0..width)
            .filter_map(|column| {
                Statistic::new(&rows.iter().map(|row| row[column]).collect::<Vec<_>>())
            })
            .collect();
        let spread = |of: fn(&Statistic) -> Option<f64>| {
            (rows.len() > 1).then(|| columns.iter().filter_map(of).collect())
        };
        Some(Self {
            n: rows.len(),
            mean: columns.iter().map(|column| column.mean).collect(),
            std: spread(|column| column.std),
            sem: spread(|column| column.sem),
        })
    }

    /// The statistic of one of the numbers, counted from 0. `None` past the last.
    pub fn get(&self, index: usize) -> Option<Statistic> {
        let at = |spread: &Option<Vec<f64>>| spread.as_ref()?.get(index).copied();
        Some(Statistic {
            n: self.n,
            mean: *self.mean.get(index)?,
            std: at(&self.std),
            sem: at(&self.sem),
        })
    }

    /// The statistic of the last of the numbers. `None` if there are none.
    pub fn last(&self) -> Option<Statistic> {
        self.get(self.mean.len().checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_deviation_divides_by_n_minus_one() {
        let statistic = Statistic::new(&[1.0, 3.0, 5.0, 7.0]).expect("four values");

        assert_eq!((statistic.n, statistic.mean), (4, 4.0));
        let std = (20.0_f64 / 3.0).sqrt();
        assert_eq!(statistic.std, Some(std));
        assert_eq!(statistic.sem, Some(std / 2.0));
    }

    #[test]
    fn one_value_has_no_spread() {
        let statistic = Statistic::new(&[0.5]).expect("one value");

        assert_eq!((statistic.std, statistic.sem), (None, None));
        let json = serde_json::to_string(&statistic).expect("json");
        assert_eq!(json, r#"{"n":1,"mean":0.5,"std":null,"sem":null}"#);
    }

    #[test]
    fn equal_values_have_a_spread_of_exactly_zero() {
        let statistic = Statistic::new(&[0.1; 3]).expect("three values");
        assert_eq!((statistic.mean, statistic.std), (0.1, Some(0.0)));
    }

    #[test]
    fn no_values_have_no_statistic() {
        assert_eq!(Statistic::new(&[]), None);
        assert_eq!(Statistics::new(&[]), None);
        assert_eq!(Statistics::new(&[vec![1.0], vec![]]), None);
    }

    #[test]
    fn each_column_has_its_own_statistic() {
        let statistics = Statistics::new(&[vec![1.0, 0.0], vec![1.0, 2.0]]).expect("two rows");

        assert_eq!(statistics.mean, [1.0, 1.0]);
        assert_eq!(statistics.std, Some(vec![0.0, 2.0_f64.sqrt()]));
        assert_eq!(statistics.get(0).and_then(|first| first.std), Some(0.0));
        assert_eq!(statistics.last(), Statistic::new(&[0.0, 2.0]));
        assert_eq!(statistics.get(2), None);
    }
}
