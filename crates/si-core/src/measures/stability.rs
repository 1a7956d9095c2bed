use crate::Error;

/// How far accuracies fall *during* training, from evaluations at any time: an [`AccuracyMatrix`](super::AccuracyMatrix)
/// has those at the tasks' ends alone, and does not show a drop that a task recovers from (De Lange et al. 2023).
///
/// ```
/// use si_core::measures::Stability;
///
/// let mut stability = Stability::new();
/// stability.record(&[0.9])?; // some steps into task 0
/// stability.start_task();
/// stability.record(&[0.5, 0.6])?; // some steps into task 1
/// stability.record(&[0.8, 0.9])?;
/// assert_eq!(stability.min_accuracy(), Some(0.5));
/// assert_eq!(stability.worst_case_accuracy(), Some(0.9 / 2.0 + 0.5 / 2.0));
/// # Ok::<(), si_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stability {
    /// The lowest accuracy on each earlier task since its own end.
    lowest: Vec<Option<f64>>,
    /// The last accuracy on the current task.
    current: Option<f64>,
}

impl Stability {
    /// In the first task, without an evaluation.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts the next task. The one before it is an earlier task from here on.
    pub fn start_task(&mut self) {
        self.lowest.push(None);
        self.current = None;
    }

    /// Takes the accuracies of one evaluation, each in `[0, 1]`: on every task so far, the current one last.
    ///
    /// # Errors
    ///
    /// [`Error::Accuracy`] if they are not one for each task so far, or not in `[0, 1]`. Nothing is then recorded.
    pub fn record(&mut self, accuracies: &[f64]) -> Result<(), Error> {
        let num_tasks = self.lowest.len() + 1;
        if accuracies.len() != num_tasks {
            let found = accuracies.len();
            return Err(Error::Accuracy(format!(
                "an evaluation in task {} needs {num_tasks} accuracies, got {found}",
                num_tasks - 1
            )));
        }
        let outside = |accuracy: &&f64| !(0.0..=1.0).contains(*accuracy);
        if let Some(accuracy) = accuracies.iter().find(outside) {
            return Err(Error::Accuracy(format!(
                "accuracies must be in [0, 1], got {accuracy}"
            )));
        }
        for (lowest, accuracy) in self.lowest.iter_mut().zip(accuracies) {
            *lowest = Some(lowest.map_or(*accuracy, |lowest| lowest.min(*accuracy)));
        }
        self.current = accuracies.last().copied();
        Ok(())
    }

    /// min-ACC, in `[0, 1]`: the mean over the earlier tasks of the lowest accuracy since their end. `None` in the first
    /// task, and if an earlier task has not been evaluated since its end.
    pub fn min_accuracy(&self) -> Option<f64> {
        let lowest: Option<Vec<f64>> = self.lowest.iter().copied().collect();
        let lowest = lowest.filter(|lowest| !lowest.is_empty())?;
        Some(lowest.iter().sum::<f64>() / lowest.len() as f64)
    }

    /// WC-ACC, in `[0, 1]`, in the k-th task: `1/k` of the accuracy on the current task and `1 − 1/k` of
    /// [`min_accuracy`](Self::min_accuracy). `None` without an evaluation.
    pub fn worst_case_accuracy(&self) -> Option<f64> {
        let share = 1.0 / (self.lowest.len() + 1) as f64;
        let current = share * self.current?;
        if self.lowest.is_empty() {
            Some(current)
        } else {
            Some(current + (1.0 - share) * self.min_accuracy()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowest_accuracy_of_each_earlier_task_counts_from_its_end_on() {
        let mut stability = Stability::new();
        // Low before the task's end, which does not count.
        stability.record(&[0.1]).expect("valid");
        assert_eq!(stability.min_accuracy(), None);
        assert_eq!(stability.worst_case_accuracy(), Some(0.1));
        stability.start_task();
        assert_eq!(stability.worst_case_accuracy(), None);
        for accuracies in [[0.75, 0.0], [0.25, 0.5], [0.5, 1.0]] {
            stability.record(&accuracies).expect("valid");
        }
        assert_eq!(stability.min_accuracy(), Some(0.25));
        assert_eq!(stability.worst_case_accuracy(), Some(0.5 + 0.125));
        stability.start_task();
        assert_eq!(stability.min_accuracy(), None);
        stability.record(&[0.5, 0.75, 1.0]).expect("valid");
        assert_eq!(stability.min_accuracy(), Some(0.5));
    }

    #[test]
    fn evaluations_that_do_not_fit_are_refused_and_change_nothing() {
        let mut stability = Stability::new();
        stability.start_task();
        let before = stability.clone();
        for (accuracies, message) in [
            (&[0.5][..], "needs 2 accuracies, got 1"),
            (&[0.5, 1.5], "accuracies must be in [0, 1], got 1.5"),
            (&[f64::NAN, 0.5], "got NaN"),
        ] {
            let error = stability.record(accuracies).expect_err("it is refused");
            assert!(error.to_string().contains(message), "{error}");
        }
        assert_eq!(stability, before);
    }
}
