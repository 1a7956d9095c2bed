use std::path::Path;

use crate::{
    Error,
    data::{DataSet, load},
    experiment::Scenario,
};

use super::TaskSequence;

/// Split CIFAR (fig. 6): first all of CIFAR-10, then tasks of ten classes of CIFAR-100 by their
/// fine labels: 0–9, 10–19 and so on. `num_tasks` is the total number of tasks, 1 to 11.
///
/// # Errors
///
/// Those of [`load()`], and of [`TaskSequence::split`].
pub fn split_cifar(
    data_dir: Option<&Path>,
    scenario: Scenario,
    num_tasks: usize,
) -> Result<TaskSequence, Error> {
    let first = load(DataSet::Cifar10, data_dir)?;
    let ten: Vec<usize> = (0..DataSet::Cifar10.num_classes()).collect();
    let mut sequence = TaskSequence::split(&first.train, &first.test, &[ten], scenario)?;
    let tens: Vec<Vec<usize>> = (1..num_tasks)
        .map(|task| (CLASSES * (task - 1)..CLASSES * task).collect())
        .collect();
    if !tens.is_empty() {
        let later = load(DataSet::Cifar100, data_dir)?;
        let later = TaskSequence::split(&later.train, &later.test, &tens, scenario)?;
        sequence = sequence.followed_by(later, scenario);
    }
    for (task, tasks) in sequence.tasks.iter_mut().enumerate() {
        tasks.name = match task.checked_sub(1) {
            None => "CIFAR-10".to_string(),
            Some(ten) => format!("CIFAR-100, {}–{}", CLASSES * ten, CLASSES * (ten + 1) - 1),
        };
    }
    Ok(sequence.with_name("split CIFAR"))
}

/// Classes of each task.
const CLASSES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// With the real data where `SI_DATA_DIR` names them.
    #[test]
    fn the_tasks_are_those_of_the_paper() {
        if std::env::var_os("SI_DATA_DIR").is_none() {
            return;
        }
        let sequence = split_cifar(None, Scenario::Task, 6).expect("the files are there");
        assert_eq!(sequence.num_outputs, 60);
        assert_eq!(sequence.image_shape, [3, 32, 32]);
        let sizes: Vec<[usize; 2]> = sequence
            .tasks
            .iter()
            .map(|task| [task.train.len(), task.test.len()])
            .collect();
        assert_eq!(sizes[0], [50_000, 10_000]);
        assert!(sizes[1..].iter().all(|sizes| *sizes == [5_000, 1_000]));
        assert_eq!(sequence.tasks[5].outputs, 50..60);
        assert!(
            sequence.tasks[5]
                .test
                .labels()
                .all(|label| (50..60).contains(&label))
        );
    }
}
