use crate::{Error, data::LabelledSplits, experiment::Scenario};

use super::TaskSequence;

/// A task for every pair of classes, in their order: {0, 1}, {2, 3} and so on.
///
/// # Errors
///
/// [`Error::Config`] for an odd number of classes, and those of [`TaskSequence::split`].
pub fn split_in_pairs(splits: &LabelledSplits, scenario: Scenario) -> Result<TaskSequence, Error> {
    let pairs = class_pairs(splits.train.num_classes())?;
    let sequence = TaskSequence::split(&splits.train, &splits.test, &pairs, scenario)?;
    Ok(sequence.with_name("split images"))
}

/// The pairs {0, 1}, {2, 3} and so on of that many classes.
///
/// # Errors
///
/// [`Error::Config`] for an odd number.
pub(crate) fn class_pairs(num_classes: usize) -> Result<Vec<Vec<usize>>, Error> {
    if num_classes.is_multiple_of(2) {
        Ok((0..num_classes / 2)
            .map(|pair| vec![2 * pair, 2 * pair + 1])
            .collect())
    } else {
        Err(Error::Config(format!(
            "{num_classes} classes do not make pairs, and split-mnist has a task for every two classes: add a class or \
             take one away"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::testing::tiny_images;

    #[test]
    fn every_task_has_the_next_two_classes() {
        let images = tiny_images();
        let splits = LabelledSplits {
            train: images.clone(),
            test: images,
        };
        let sequence = split_in_pairs(&splits, Scenario::Task).expect("four classes");
        let classes: Vec<&[usize]> = sequence
            .tasks
            .iter()
            .map(|task| &task.classes[..])
            .collect();
        assert_eq!(classes, [[0, 1], [2, 3]]);
    }

    #[test]
    fn an_odd_number_of_classes_is_refused() {
        let error = class_pairs(5).expect_err("one is left over").to_string();
        assert!(error.starts_with("5 classes do not make pairs"), "{error}");
    }
}
