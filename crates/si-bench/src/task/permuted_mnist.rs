use std::path::Path;
use std::sync::Arc;

use rand::Rng;
use rand::seq::SliceRandom;

use crate::{
    Error,
    data::{DataSet, LabelledSplits, load},
    experiment::Scenario,
};

use super::TaskSequence;

/// Permuted MNIST (figs. 4 and 5): all ten digits in every task, with the pixels in a different
/// order in each task. The first task keeps the original order. For every other task, `generator`
/// returns the random generator of its order, given the task's index.
///
/// # Errors
///
/// Those of [`load()`], and of [`TaskSequence::permuted`].
pub fn permuted_mnist<R: Rng>(
    data_set: DataSet,
    data_dir: Option<&Path>,
    scenario: Scenario,
    num_tasks: usize,
    generator: impl Fn(usize) -> R,
) -> Result<TaskSequence, Error> {
    let splits = load(data_set, data_dir)?;
    let sequence = permute_pixels(&splits, scenario, num_tasks, generator)?;
    Ok(sequence.with_name(format!("permuted {}", data_set.title())))
}

/// Tasks with all images, in which the pixels are in a different order: like [`permuted_mnist`], on any images.
///
/// # Errors
///
/// Those of [`TaskSequence::permuted`].
pub fn permute_pixels<R: Rng>(
    splits: &LabelledSplits,
    scenario: Scenario,
    num_tasks: usize,
    generator: impl Fn(usize) -> R,
) -> Result<TaskSequence, Error> {
    let num_pixels = splits.train.num_pixels();
    let orders: Vec<Option<Arc<[usize]>>> = (0..num_tasks)
        .map(|task| {
            (task > 0).then(|| {
                let mut order: Vec<usize> = (0..num_pixels).collect();
                order.shuffle(&mut generator(task));
                order.into()
            })
        })
        .collect();
    let sequence = TaskSequence::permuted(&splits.train, &splits.test, &orders, scenario)?;
    Ok(sequence.with_name("permuted images"))
}

#[cfg(test)]
mod tests {
    use burn::data::dataset::Dataset;
    use rand::SeedableRng;
    use rand::rngs::ChaCha8Rng;

    use super::*;

    #[test]
    fn every_task_has_the_same_pixels_in_an_order_of_its_own() {
        let generator = |task| ChaCha8Rng::seed_from_u64(task as u64);
        let sequence = permuted_mnist(DataSet::Mnist, None, Scenario::Domain, 3, generator)
            .expect("MNIST is in the box");
        assert_eq!(sequence.num_outputs, 10);
        let pixels: Vec<Vec<f32>> = sequence
            .tasks
            .iter()
            .map(|task| task.test.get(7).expect("10 000 images").pixels)
            .collect();
        let sorted = |pixels: &[f32]| {
            let mut pixels = pixels.to_vec();
            pixels.sort_by(f32::total_cmp);
            pixels
        };
        for (task, other) in [(0, 1), (1, 2)] {
            assert_ne!(pixels[task], pixels[other]);
            assert_eq!(sorted(&pixels[task]), sorted(&pixels[other]));
        }
    }
}
