use serde::{Deserialize, Serialize};

/// The test errors of a run after an epoch of the new task, each in `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Error on the new task.
    pub new_error: f64,
    /// Error on the old task.
    pub old_error: f64,
    /// Configuration, from 1.
    pub configuration: usize,
    /// Epoch of the new task, from 1.
    pub epoch: usize,
}

impl Outcome {
    /// Sum of both errors.
    pub fn sum(&self) -> f64 {
        self.new_error + self.old_error
    }
}

/// The lower-left envelope: those of `outcomes` that no other one equals or beats on both tasks, from the lowest error on
/// the new task on. Of equal outcomes, the first stays.
pub(super) fn envelope(outcomes: &[Outcome]) -> Vec<Outcome> {
    let mut sorted = outcomes.to_vec();
    sorted.sort_by(|one, other| {
        let by_new = one.new_error.total_cmp(&other.new_error);
        by_new.then(one.old_error.total_cmp(&other.old_error))
    });
    let mut lowest = f64::INFINITY;
    sorted.retain(|outcome| {
        let is_lower = outcome.old_error < lowest;
        lowest = lowest.min(outcome.old_error);
        is_lower
    });
    sorted
}

/// The lowest error on the old task at an error on the new task of at most `limit`. `None` if no outcome of the `frontier`
/// is that good at the new task.
pub(super) fn lowest_old_error(frontier: &[Outcome], limit: f64) -> Option<f64> {
    let reached = frontier.iter().take_while(|it| it.new_error <= limit);
    reached.last().map(|it| it.old_error)
}

/// The corners of a frontier as a line: down and to the right in turn, from the error `top` on the old task to the error
/// `right` on the new one. Empty for an empty frontier.
pub(super) fn staircase(frontier: &[Outcome], (right, top): (f64, f64)) -> Vec<(f64, f64)> {
    let mut corners = Vec::new();
    let mut height = top;
    for outcome in frontier {
        corners.push((outcome.new_error, height));
        height = outcome.old_error;
        corners.push((outcome.new_error, height));
    }
    if !corners.is_empty() {
        corners.push((right, height));
    }
    corners
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(errors: &[(f64, f64)]) -> Vec<Outcome> {
        let outcome = |(index, &(new_error, old_error))| Outcome {
            new_error,
            old_error,
            configuration: index + 1,
            epoch: 1,
        };
        errors.iter().enumerate().map(outcome).collect()
    }

    /// The configurations on the frontier of these errors.
    fn frontier(errors: &[(f64, f64)]) -> Vec<usize> {
        let frontier = envelope(&outcomes(errors));
        frontier.iter().map(|it| it.configuration).collect()
    }

    #[test]
    fn outcomes_that_are_beaten_on_both_tasks_are_left_out() {
        let errors = [
            (0.5, 0.25),
            (0.25, 0.5),
            (0.625, 0.375),
            (0.125, 0.75),
            (1.0, 1.0),
        ];
        assert_eq!(frontier(&errors), [4, 2, 1]);
    }

    #[test]
    fn of_equal_errors_on_one_task_the_other_task_decides() {
        assert_eq!(frontier(&[(0.25, 0.75), (0.25, 0.5)]), [2]);
        assert_eq!(frontier(&[(0.75, 0.25), (0.5, 0.25)]), [2]);
        assert_eq!(frontier(&[(0.5, 0.5), (0.5, 0.5)]), [1]);
    }

    #[test]
    fn one_outcome_is_its_own_frontier_and_none_has_an_empty_one() {
        assert_eq!(frontier(&[(0.5, 0.5)]), [1]);
        assert!(frontier(&[]).is_empty());
        assert!(staircase(&[], (1.0, 1.0)).is_empty());
    }

    #[test]
    fn a_limit_on_the_new_error_gives_the_lowest_old_error_that_it_allows() {
        let frontier = envelope(&outcomes(&[(0.25, 0.5), (0.5, 0.125)]));
        for (limit, expected) in [
            (0.125, None),
            (0.25, Some(0.5)),
            (0.375, Some(0.5)),
            (0.5, Some(0.125)),
            (1.0, Some(0.125)),
        ] {
            assert_eq!(lowest_old_error(&frontier, limit), expected, "{limit}");
        }
    }

    #[test]
    fn a_staircase_goes_down_and_to_the_right_through_every_outcome() {
        let frontier = envelope(&outcomes(&[(0.5, 0.25), (0.25, 0.5)]));
        assert_eq!(
            staircase(&frontier, (1.0, 0.75)),
            [
                (0.25, 0.75),
                (0.25, 0.5),
                (0.5, 0.5),
                (0.5, 0.25),
                (1.0, 0.25)
            ]
        );
    }
}
