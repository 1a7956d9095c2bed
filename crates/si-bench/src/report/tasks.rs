use crate::experiment::{Experiment, ExperimentConfig, Scenario};

/// What each task tells apart, such as `0 or 1`; `[tasks]`.
pub(crate) fn task_names(config: &ExperimentConfig) -> Vec<String> {
    match config.experiment {
        Experiment::SplitMnist => config
            .data_set
            .class_names()
            .chunks(CLASSES_PER_TASK)
            .map(|classes| classes.join(" or "))
            .collect(),
    }
}

/// Accuracy of guessing: 1 / number of outputs that the model chooses among.
pub(crate) fn chance(config: &ExperimentConfig) -> f64 {
    let candidates = match (config.experiment, config.scenario) {
        (Experiment::SplitMnist, Scenario::Task | Scenario::Domain) => CLASSES_PER_TASK,
        (Experiment::SplitMnist, Scenario::Class) => config.data_set.num_classes(),
    };
    1.0 / candidates as f64
}

/// Classes of each task of split MNIST.
const CLASSES_PER_TASK: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::DataSet, fixture};

    #[test]
    fn chance_should_follow_the_number_of_candidates() {
        let mut config = fixture::config(&[0.0], 1);
        assert_eq!(chance(&config), 0.5);
        config.scenario = Scenario::Domain;
        assert_eq!(chance(&config), 0.5);
        config.scenario = Scenario::Class;
        assert_eq!(chance(&config), 0.1);
    }

    #[test]
    fn names_should_be_those_of_the_classes() {
        let mut config = fixture::config(&[0.0], 1);
        assert_eq!(task_names(&config)[4], "8 or 9");
        config.data_set = DataSet::FashionMnist;
        assert_eq!(task_names(&config)[0], "T-shirt or trouser");
    }
}
