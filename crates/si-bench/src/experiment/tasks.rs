use crate::Error;
use crate::task::{TaskSequence, permute_pixels, split_cifar, split_in_pairs};

use super::random::{Purpose, generator};
use super::{Experiment, ExperimentConfig};

/// The tasks of `config`, limited to its number of tasks and images. `seed` decides the
/// permutations.
///
/// # Errors
///
/// Those of the images, and [`Error::Value`] if the held-out images leave none to train on.
pub(super) fn tasks(config: &ExperimentConfig, seed: u64) -> Result<TaskSequence, Error> {
    let (scenario, num_tasks) = (config.scenario, config.num_tasks);
    let mut sequence = match config.experiment {
        Experiment::SplitMnist => {
            split_in_pairs(&config.load_images()?, scenario)?.first(num_tasks)
        }
        Experiment::PermutedMnist => {
            permute_pixels(&config.load_images()?, scenario, num_tasks, |task| {
                generator(seed, Purpose::PixelOrder { task })
            })?
        }
        Experiment::SplitCifar => split_cifar(config.data_dir.as_deref(), scenario, num_tasks)?,
    };
    for task in &mut sequence.tasks {
        if let Some(count) = config.num_held_out {
            (task.train, task.test) = task.train.split_off_last(count);
        }
        if let Some(count) = config.num_train_images {
            task.train = task.train.first(count);
        }
        if task.train.is_empty() {
            return Err(Error::Value {
                key: "num_held_out",
                value: config.num_held_out.unwrap_or(0).to_string(),
                expected: "smaller than the number of training images of a task".to_string(),
            });
        }
    }
    Ok(sequence)
}
