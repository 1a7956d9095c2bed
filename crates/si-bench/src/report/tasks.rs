use crate::experiment::{Experiment, ExperimentConfig, Scenario};

/// The classes of each task, such as `0 or 1`; `[tasks]`.
pub(crate) fn task_names(config: &ExperimentConfig) -> Vec<String> {
    let names: Vec<String> = match config.experiment {
        Experiment::SplitMnist => config
            .class_names()
            .chunks(CLASSES_PER_SPLIT)
            .map(|classes| classes.join(" or "))
            .collect(),
        Experiment::PermutedMnist => (0..config.num_tasks)
            .map(|task| match task {
                0 => "as it is".to_string(),
                task => format!("order {}", task + 1),
            })
            .collect(),
        Experiment::SplitCifar => (0..config.num_tasks)
            .map(|task| match task.checked_sub(1) {
                None => "CIFAR-10".to_string(),
                Some(ten) => format!("CIFAR-100, {}–{}", 10 * ten, 10 * ten + 9),
            })
            .collect(),
    };
    names.into_iter().take(config.num_tasks).collect()
}

/// Accuracy of guessing: 1 / number of outputs that the model can choose.
pub(crate) fn chance(config: &ExperimentConfig) -> f64 {
    let classes_per_task = match config.experiment {
        Experiment::SplitMnist => CLASSES_PER_SPLIT,
        Experiment::PermutedMnist => config.class_names().len(),
        Experiment::SplitCifar => CLASSES_PER_CIFAR_TASK,
    };
    let candidates = match config.scenario {
        Scenario::Task | Scenario::Domain => classes_per_task,
        Scenario::Class => classes_per_task * config.num_tasks,
    };
    1.0 / candidates as f64
}

/// Classes of each task of split MNIST.
const CLASSES_PER_SPLIT: usize = 2;
/// Classes of each task of split CIFAR.
const CLASSES_PER_CIFAR_TASK: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataSet, ImageSet};
    use crate::fixture;

    #[test]
    fn chance_follows_the_number_of_candidates() {
        let mut config = fixture::config(&[0.0], 1);
        assert_eq!(chance(&config), 0.5);
        config.scenario = Scenario::Domain;
        assert_eq!(chance(&config), 0.5);
        config.scenario = Scenario::Class;
        assert_eq!(chance(&config), 0.1);
    }

    #[test]
    fn names_are_those_of_the_classes() {
        let mut config = fixture::config(&[0.0], 1);
        assert_eq!(task_names(&config)[4], "8 or 9");
        config.data_set = Some(DataSet::FashionMnist);
        assert_eq!(task_names(&config)[0], "T-shirt or trouser");
    }

    #[test]
    fn names_and_chance_are_those_of_the_users_own_images() {
        let mut config = fixture::config(&[0.0], 1);
        config.data_set = None;
        config.num_tasks = 2;
        config.image_set = Some(ImageSet {
            md5: String::new(),
            shape: [1, 8, 8],
            classes: ["ant", "bee", "cat", "dog"].map(str::to_string).to_vec(),
        });
        assert_eq!(task_names(&config), ["ant or bee", "cat or dog"]);
        config.experiment = Experiment::PermutedMnist;
        assert_eq!(chance(&config), 0.25);
    }
}
