use serde::{Deserialize, Serialize};

use super::Statistic;

/// Correlations between the path integrals of several tasks in one layer (fig. 5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerCorrelations {
    /// Hidden layer, from 1 at the input on.
    pub layer: usize,
    /// Pearson correlation between the path integrals of tasks i and j over the layer's weights, in
    /// `[-1, 1]`, `[tasks][tasks]`; symmetric. `None` if one of them is the same for all weights.
    pub matrix: Vec<Vec<Option<f64>>>,
}

impl LayerCorrelations {
    /// Mean absolute correlation of two different tasks. `None` if there are fewer than two, or
    /// some correlation is missing.
    pub fn mean_size(&self) -> Option<f64> {
        let below = self.matrix.iter().enumerate();
        let sizes: Option<Vec<f64>> = below
            .flat_map(|(index, row)| row.iter().take(index))
            .map(|correlation| correlation.map(f64::abs))
            .collect();
        Statistic::new(&sizes?).map(|statistic| statistic.mean)
    }

    /// Mean correlation of two different tasks among the first `num_tasks`. `None` if there are
    /// fewer than two, or some correlation is missing.
    pub fn mean_between(&self, num_tasks: usize) -> Option<f64> {
        let mut sum = 0.0;
        let mut count = 0;
        for (index, row) in self.matrix.iter().enumerate().take(num_tasks) {
            for correlation in row.iter().take(index) {
                sum += (*correlation)?;
                count += 1;
            }
        }
        (count > 0).then(|| sum / f64::from(count))
    }
}

/// Pearson correlation of two equally long lists, in `[-1, 1]`. `None` if one of them is constant
/// or empty.
///
/// # Panics
///
/// If their lengths differ.
pub fn pearson(left: &[f32], right: &[f32]) -> Option<f64> {
    assert_eq!(left.len(), right.len(), "pairs of values");
    let mean = |values: &[f32]| {
        let sum: f64 = values.iter().map(|value| f64::from(*value)).sum();
        sum / values.len() as f64
    };
    let (left_mean, right_mean) = (mean(left), mean(right));
    let (mut covariance, mut left_variance, mut right_variance) = (0.0, 0.0, 0.0);
    for (left, right) in left.iter().zip(right) {
        let (left, right) = (f64::from(*left) - left_mean, f64::from(*right) - right_mean);
        covariance += left * right;
        left_variance += left * left;
        right_variance += right * right;
    }
    let scale = (left_variance * right_variance).sqrt();
    (scale > 0.0).then(|| (covariance / scale).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_matches_the_textbook() {
        // Anscombe's first quartet, whose correlation is published as 0.816.
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let y = [
            8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68,
        ];
        let correlation = pearson(&x, &y).expect("both vary");
        assert!((correlation - 0.816_420_5).abs() < 1e-6, "{correlation}");
        let mirrored = y.map(|value| 3.0 - 2.0 * value);
        let correlation = pearson(&y, &mirrored).expect("both vary");
        assert!((correlation + 1.0).abs() < 1e-6, "{correlation}");
    }

    #[test]
    fn constant_or_missing_values_have_no_correlation() {
        assert_eq!(pearson(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(pearson(&[], &[]), None);
    }

    #[test]
    fn the_mean_leaves_out_the_diagonal() {
        let matrix = vec![
            vec![Some(1.0), Some(0.5), Some(0.0)],
            vec![Some(0.5), Some(1.0), Some(0.25)],
            vec![Some(0.0), Some(0.25), Some(1.0)],
        ];
        let correlations = LayerCorrelations { layer: 1, matrix };
        assert_eq!(correlations.mean_between(1), None);
        assert_eq!(correlations.mean_between(2), Some(0.5));
        assert_eq!(correlations.mean_between(3), Some(0.25));
        assert_eq!(correlations.mean_size(), Some(0.25));
    }
}
