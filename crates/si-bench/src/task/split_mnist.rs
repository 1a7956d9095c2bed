use std::path::Path;

use crate::{
    Error,
    data::{DataSet, load},
    experiment::Scenario,
};

use super::{TaskSequence, split_in_pairs};

/// Split MNIST (fig. 3): five tasks of two digits each, {0, 1} to {8, 9}. With
/// [`DataSet::FashionMnist`], the classes are articles of clothing.
///
/// # Errors
///
/// Those of [`load()`].
pub fn split_mnist(
    data_set: DataSet,
    data_dir: Option<&Path>,
    scenario: Scenario,
) -> Result<TaskSequence, Error> {
    let splits = load(data_set, data_dir)?;
    let sequence = split_in_pairs(&splits, scenario)?;
    Ok(sequence.with_name(format!("split {}", data_set.title())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_is_in_exactly_one_task() {
        let sequence =
            split_mnist(DataSet::Mnist, None, Scenario::Task).expect("MNIST is in the box");
        assert_eq!(sequence.name, "split MNIST");
        assert_eq!(sequence.num_outputs, 10);
        assert_eq!(sequence.image_shape, [1, 28, 28]);
        let sizes = |size: fn(&crate::task::Task) -> usize| -> Vec<usize> {
            sequence.tasks.iter().map(size).collect()
        };
        assert_eq!(
            sizes(|task| task.train.len()),
            [12_665, 12_089, 11_263, 12_183, 11_800]
        );
        assert_eq!(
            sizes(|task| task.test.len()),
            [2115, 2042, 1874, 1986, 1983]
        );
        for (index, task) in sequence.tasks.iter().enumerate() {
            assert_eq!(task.classes, [2 * index, 2 * index + 1]);
            assert!(
                task.train
                    .classes()
                    .all(|class| task.classes.contains(&class))
            );
            assert!(task.test.labels().eq(task.test.classes()));
        }
    }
}
