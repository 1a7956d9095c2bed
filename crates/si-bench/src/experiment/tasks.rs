use crate::Error;
use crate::task::{Task, TaskSequence, permute_pixels, split_cifar, split_in_pairs};

use super::random::{Purpose, generator};
use super::{Experiment, ExperimentConfig};

/// The tasks of `config`, limited to its number of tasks and images. `seed` decides the
/// permutations.
///
/// # Errors
///
/// Those of the images, and [`Error::Value`] if the held-out images leave none to train on.
pub(super) fn tasks(config: &ExperimentConfig, seed: u64) -> Result<TaskSequence, Error> {
    let make = sequences(config)?;
    limited(config, make(seed)?)
}

/// The [`tasks`] of each of `seeds`. They share their images, which are read once.
///
/// # Errors
///
/// Those of [`tasks`].
pub(super) fn tasks_of_each(
    config: &ExperimentConfig,
    seeds: impl IntoIterator<Item = u64>,
) -> Result<Vec<TaskSequence>, Error> {
    let make = sequences(config)?;
    let seeds = seeds.into_iter();
    seeds.map(|seed| limited(config, make(seed)?)).collect()
}

/// Makes the tasks of a seed, with all images.
type MakeTasks<'a> = Box<dyn Fn(u64) -> Result<TaskSequence, Error> + 'a>;

/// Reads the images.
fn sequences(config: &ExperimentConfig) -> Result<MakeTasks<'_>, Error> {
    let (scenario, num_tasks) = (config.scenario, config.num_tasks);
    let fixed = match config.experiment {
        Experiment::SplitMnist => {
            split_in_pairs(&config.load_images()?, scenario)?.first(num_tasks)
        }
        Experiment::SplitCifar => split_cifar(config.data_dir.as_deref(), scenario, num_tasks)?,
        Experiment::PermutedMnist => {
            let images = config.load_images()?;
            return Ok(Box::new(move |seed| {
                permute_pixels(&images, scenario, num_tasks, |task| {
                    generator(seed, Purpose::PixelOrder { task })
                })
            }));
        }
    };
    Ok(Box::new(move |_| Ok(fixed.clone())))
}

/// `sequence` with the numbers of images and the scale of their pixels that `config` wants.
fn limited(config: &ExperimentConfig, mut sequence: TaskSequence) -> Result<TaskSequence, Error> {
    let check = |task: &Task, key, count: usize| {
        if task.train.is_empty() {
            Err(Error::Value {
                key,
                value: count.to_string(),
                expected: "smaller than the number of training images of a task".to_string(),
            })
        } else {
            Ok(())
        }
    };
    for task in &mut sequence.tasks {
        if config.standardize {
            task.standardize();
        }
        if let Some(count) = config.num_held_out {
            (task.train, task.test) = task.train.split_off_last(count);
            check(task, "num_held_out", count)?;
        }
        if let Some(count) = config.num_chf_images() {
            task.hold_out(count);
            check(task, "num_chf_images", count)?;
        }
        if let Some(count) = config.num_train_images {
            task.train = task.train.first(count);
        }
    }
    Ok(sequence)
}
