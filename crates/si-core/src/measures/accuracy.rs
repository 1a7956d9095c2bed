use serde::{Deserialize, Serialize};

use crate::Error;

/// Accuracies R\[i\]\[j\] on task j after training on task i, each in `[0, 1]`; `[tasks][tasks]`.
///
/// Tasks count from 0 in the arguments and from 1 in the formulas, where T is the last. In JSON, it
/// is the plain array of rows. Reading it does the checks of [`new`](Self::new).
///
/// ```
/// use si_core::measures::AccuracyMatrix;
///
/// let accuracy = AccuracyMatrix::new(vec![vec![1.0, 0.5], vec![0.9, 1.0]])?;
/// assert_eq!(accuracy.average_accuracy(1), Some(0.95));
/// # Ok::<(), si_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<f64>>", into = "Vec<Vec<f64>>")]
pub struct AccuracyMatrix {
    rows: Vec<Vec<f64>>,
}

impl AccuracyMatrix {
    /// Takes one row per task trained, each with one accuracy per task.
    ///
    /// # Errors
    ///
    /// [`Error::Accuracy`] if there is no row, if the matrix is not square, or if a value is
    /// outside `[0, 1]`.
    pub fn new(rows: Vec<Vec<f64>>) -> Result<Self, Error> {
        if rows.is_empty() {
            return Err(not_a_square("no rows"));
        }
        for (index, row) in rows.iter().enumerate() {
            if row.len() != rows.len() {
                return Err(not_a_square(format!(
                    "{} values in row {index} of {}",
                    row.len(),
                    rows.len()
                )));
            }
            if let Some(value) = row.iter().find(|value| !(0.0..=1.0).contains(*value)) {
                return Err(not_a_square(format!("{value} in row {index}")));
            }
        }
        Ok(Self { rows })
    }

    /// Number of tasks T, at least 1.
    pub fn num_tasks(&self) -> usize {
        self.rows.len()
    }

    /// The rows: `rows()[i][j]` is the accuracy on task j after training on task i.
    pub fn rows(&self) -> &[Vec<f64>] {
        &self.rows
    }

    /// Accuracies on every task after the last one was trained; `[tasks]`.
    pub fn last(&self) -> &[f64] {
        &self.rows[self.rows.len() - 1]
    }

    /// mean_{j≤i} R\[i\]\[j\]: the accuracy after task i = `after`, averaged over the tasks trained so
    /// far. `None` if there is no such task.
    pub fn average_accuracy(&self, after: usize) -> Option<f64> {
        mean(self.rows.get(after)?.iter().take(after + 1).copied())
    }

    /// Accuracy on each task right after its own training; `[tasks]`.
    pub fn diagonal(&self) -> Vec<f64> {
        let rows = self.rows().iter().enumerate();
        rows.map(|(task, row)| row[task]).collect()
    }

    /// [`average_accuracy`](Self::average_accuracy) after each task in turn; `[tasks]`.
    pub fn average_accuracies(&self) -> Vec<f64> {
        (0..self.num_tasks())
            .filter_map(|after| self.average_accuracy(after))
            .collect()
    }

    /// BWT = mean_{j<T} (R\[T\]\[j\] − R\[j\]\[j\]), in `[-1, 1]`: the effect of later tasks on earlier ones, negative
    /// if these were forgotten (Lopez-Paz and Ranzato 2017). `None` with one task.
    pub fn backward_transfer(&self) -> Option<f64> {
        mean(
            self.earlier()
                .map(|task| self.last()[task] - self.rows[task][task]),
        )
    }

    /// FWT = mean_{j>1} (R\[j−1\]\[j\] − b_j), in `[-1, 1]`: the gain of a task from earlier tasks before it was
    /// trained, compared with `untrained`, the accuracies b of the initial network; `[tasks]` (Lopez-Paz and Ranzato
    /// 2017). `None` with one task, or if `untrained` has another length.
    pub fn forward_transfer(&self, untrained: &[f64]) -> Option<f64> {
        if untrained.len() != self.num_tasks() {
            return None;
        }
        mean((1..self.num_tasks()).map(|task| self.rows[task - 1][task] - untrained[task]))
    }

    /// F = mean_{j<T} (max_{i<T} R\[i\]\[j\] − R\[T\]\[j\]), in `[-1, 1]`: how far each task fell from
    /// its best (Chaudhry et al. 2018). `None` with one task.
    pub fn forgetting(&self) -> Option<f64> {
        let before_last = &self.rows[..self.num_tasks() - 1];
        mean(self.earlier().map(|task| {
            let best = before_last.iter().map(|row| row[task]).fold(0.0, f64::max);
            best - self.last()[task]
        }))
    }

    /// mean_j R\[j\]\[j\], in `[0, 1]`: the accuracy on each task right after it was trained (Riemer
    /// et al. 2019).
    pub fn learning_accuracy(&self) -> f64 {
        mean((0..self.num_tasks()).map(|task| self.rows[task][task])).unwrap_or_default()
    }

    /// mean_j (R*_j − R\[j\]\[j\]), in `[-1, 1]`: how much less is learned of each task than with all data at once.
    /// `joint` has the accuracies R* of joint training; `[tasks]` (Chaudhry et al. 2018). `None` if `joint` has another
    /// length.
    pub fn intransigence(&self, joint: &[f64]) -> Option<f64> {
        if joint.len() != self.num_tasks() {
            return None;
        }
        mean((0..self.num_tasks()).map(|task| joint[task] - self.rows[task][task]))
    }

    /// Every task but the last.
    fn earlier(&self) -> std::ops::Range<usize> {
        0..self.num_tasks() - 1
    }
}

impl TryFrom<Vec<Vec<f64>>> for AccuracyMatrix {
    type Error = Error;

    fn try_from(rows: Vec<Vec<f64>>) -> Result<Self, Error> {
        Self::new(rows)
    }
}

impl From<AccuracyMatrix> for Vec<Vec<f64>> {
    fn from(accuracy: AccuracyMatrix) -> Self {
        accuracy.rows
    }
}

fn not_a_square(found: impl core::fmt::Display) -> Error {
    Error::Accuracy(format!(
        "accuracies must be a square matrix of numbers in [0, 1], got {found}"
    ))
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
    let count = values.len();
    (count > 0).then(|| values.sum::<f64>() / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of a few decimal fractions, worked out by hand.
    const TOLERANCE: f64 = 1e-12;

    #[test]
    fn averages_are_over_the_tasks_seen_so_far() {
        let averages = three_tasks().average_accuracies();

        assert_close(averages[0], 1.0);
        assert_close(averages[1], (0.9 + 0.98) / 2.0);
        assert_close(averages[2], (0.6 + 0.88 + 0.96) / 3.0);
        assert_eq!(three_tasks().average_accuracy(3), None);
    }

    #[test]
    fn backward_transfer_compares_the_end_with_each_tasks_own_end() {
        let expected = ((0.6 - 1.0) + (0.88 - 0.98)) / 2.0;
        assert_close(
            three_tasks().backward_transfer().expect("three tasks"),
            expected,
        );
    }

    #[test]
    fn forward_transfer_starts_from_the_untrained_network() {
        let transfer = three_tasks().forward_transfer(&[0.5, 0.4, 0.5]);
        assert_close(
            transfer.expect("three tasks"),
            ((0.5 - 0.4) + (0.7 - 0.5)) / 2.0,
        );
        assert_eq!(three_tasks().forward_transfer(&[0.5]), None);
    }

    #[test]
    fn forgetting_starts_from_the_best_before_the_last_task() {
        let expected = ((1.0 - 0.6) + (0.98 - 0.88)) / 2.0;
        assert_close(three_tasks().forgetting().expect("three tasks"), expected);

        let recovered = matrix(&[&[0.8, 0.5, 0.5], &[0.9, 1.0, 0.5], &[0.7, 1.0, 1.0]]);
        assert_close(
            recovered.forgetting().expect("three tasks"),
            (0.2 + 0.0) / 2.0,
        );
    }

    #[test]
    fn learning_accuracy_and_intransigence_read_the_diagonal() {
        let diagonal = (1.0 + 0.98 + 0.96) / 3.0;
        assert_close(three_tasks().learning_accuracy(), diagonal);

        let intransigence = three_tasks().intransigence(&[1.0, 1.0, 1.0]);
        assert_close(intransigence.expect("three tasks"), 1.0 - diagonal);
        assert_eq!(three_tasks().intransigence(&[1.0, 1.0]), None);
    }

    #[test]
    fn one_task_has_no_transfer_and_no_forgetting() {
        let single = matrix(&[&[0.9]]);

        assert_eq!(single.average_accuracies(), [0.9]);
        assert_eq!(single.learning_accuracy(), 0.9);
        assert_eq!(single.backward_transfer(), None);
        assert_eq!(single.forward_transfer(&[0.5]), None);
        assert_eq!(single.forgetting(), None);
    }

    #[test]
    fn rows_that_are_not_a_square_of_accuracies_are_refused() {
        for (rows, message) in [
            (vec![], "no rows"),
            (vec![vec![0.1, 0.2], vec![0.3]], "1 values in row 1 of 2"),
            (vec![vec![1.1]], "1.1 in row 0"),
            (vec![vec![f64::NAN]], "NaN in row 0"),
        ] {
            let error = AccuracyMatrix::new(rows)
                .expect_err("not a matrix")
                .to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn json_is_the_bare_rows_and_is_checked() {
        let json = serde_json::to_string(&matrix(&[&[1.0, 0.5], &[0.75, 1.0]])).expect("json");
        assert_eq!(json, "[[1.0,0.5],[0.75,1.0]]");

        let error = serde_json::from_str::<AccuracyMatrix>("[[2.0]]").expect_err("out of range");
        assert!(error.to_string().contains("2 in row 0"), "{error}");
    }

    fn three_tasks() -> AccuracyMatrix {
        matrix(&[&[1.0, 0.5, 0.4], &[0.9, 0.98, 0.7], &[0.6, 0.88, 0.96]])
    }

    fn matrix(rows: &[&[f64]]) -> AccuracyMatrix {
        AccuracyMatrix::new(rows.iter().map(|row| row.to_vec()).collect()).expect("valid rows")
    }

    #[track_caller]
    fn assert_close(value: f64, expected: f64) {
        assert!(
            (value - expected).abs() < TOLERANCE,
            "{value} is not {expected}"
        );
    }
}
