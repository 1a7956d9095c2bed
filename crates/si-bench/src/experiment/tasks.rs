use crate::Error;
use crate::data::DataSet;
use crate::task::{TaskSequence, permuted_mnist, split_cifar, split_mnist};

use super::random::{Purpose, generator};
use super::{Experiment, ExperimentConfig};

/// The tasks of `config`, limited to its number of tasks and images. `seed` decides the
/// permutations.
///
/// # Errors
///
/// Those of the data set, and [`Error::Value`] if the held-out images leave none to train on.
pub(super) fn tasks(config: &ExperimentConfig, seed: u64) -> Result<TaskSequence, Error> {
    let data_set = config.data_set.unwrap_or(DataSet::Mnist);
    let data_dir = config.data_dir.as_deref();
    let (scenario, num_tasks) = (config.scenario, config.num_tasks);
    let mut sequence = match config.experiment {
        Experiment::SplitMnist => split_mnist(data_set, data_dir, scenario)?.first(num_tasks),
        Experiment::PermutedMnist => {
            permuted_mnist(data_set, data_dir, scenario, num_tasks, |task| {
                generator(seed, Purpose::PixelOrder { task })
            })?
        }
        Experiment::SplitCifar => split_cifar(data_dir, scenario, num_tasks)?,
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
                expected: "smaller than the number of training images of a task",
            });
        }
    }
    Ok(sequence)
}
