use crate::Error;
use crate::data::{DataSet, IN_PLACE_OF_MNIST};
use crate::task::class_pairs;

use super::{Activation, Condition, Experiment, ExperimentConfig, Optimizer, OptimizerReset};

impl ExperimentConfig {
    /// Checks every value against its range.
    ///
    /// # Errors
    ///
    /// [`Error::Value`], which names the key, the value and what is allowed. [`Error::Config`] for methods that cannot
    /// be combined, and for a number of classes or tasks that does not fit the user's own images.
    pub fn validate(&self) -> Result<(), Error> {
        self.validate_conditions()?;
        self.validate_data()?;
        self.validate_tasks()?;
        if self.experiment == Experiment::SplitCifar {
            self.validate_split_cifar()?;
        }
        self.validate_numbers()
    }

    fn validate_conditions(&self) -> Result<(), Error> {
        if self.methods.is_empty() {
            return Err(Error::Config(
                "no method is given; `si methods` lists them".to_string(),
            ));
        }
        let conditions = self.conditions();
        for (index, condition) in conditions.iter().enumerate() {
            let spec = &self.methods[index];
            if let Some(reason) = condition.conflict() {
                return Err(Error::Config(format!(
                    "the methods of {spec} cannot be combined: {reason}"
                )));
            }
            let same = conditions[..index]
                .iter()
                .position(|it| it.name == condition.name);
            if let Some(same) = same {
                let same = &self.methods[same];
                return Err(Error::Config(if same == spec {
                    format!("the method {spec} is given twice")
                } else {
                    format!("{same} and {spec} are the same method with the same parameters")
                }));
            }
        }
        Ok(())
    }

    /// Split CIFAR has its own data sets. The other experiments have either a data set or images.
    fn validate_data(&self) -> Result<(), Error> {
        let is_cifar = self.experiment == Experiment::SplitCifar;
        let data_set = self.data_set.map_or("none", DataSet::name).to_string();
        if is_cifar || self.images.is_some() {
            check(
                self.data_set.is_none(),
                "data_set",
                data_set,
                "left out in split-cifar, and if images are given",
            )?;
        } else {
            check(
                self.data_set.is_some_and(DataSet::can_replace_mnist),
                "data_set",
                data_set,
                &IN_PLACE_OF_MNIST,
            )?;
        }
        let num_classes = self.image_set.as_ref().map(|set| set.classes.len());
        let held = num_classes.map_or("nothing".to_string(), |number| format!("{number} classes"));
        let Some(images) = &self.images else {
            return check(
                num_classes.is_none(),
                "image_set",
                held,
                "left out if no images are given",
            );
        };
        check(
            !is_cifar,
            "images",
            images.display().to_string(),
            "left out in split-cifar",
        )?;
        check(
            num_classes.is_some_and(|number| (2..=256).contains(&number)),
            "image_set",
            held,
            "what the images are, with 2 to 256 classes",
        )
    }

    fn validate_tasks(&self) -> Result<(), Error> {
        let max_tasks = self.max_tasks();
        let is_possible = (1..=max_tasks).contains(&self.num_tasks);
        if let (Experiment::SplitMnist, Some(set)) = (self.experiment, &self.image_set) {
            let num_classes = set.classes.len();
            class_pairs(num_classes)?;
            if !is_possible {
                return Err(Error::Config(format!(
                    "num_tasks must be 1 to {max_tasks} with {num_classes} classes, got {}",
                    self.num_tasks
                )));
            }
        }
        check(
            is_possible,
            "num_tasks",
            self.num_tasks.to_string(),
            match self.experiment {
                Experiment::SplitMnist => "1 to 5 in split-mnist",
                Experiment::PermutedMnist => "1 to 100 in permuted-mnist",
                Experiment::SplitCifar => "1 to 11 in split-cifar",
            },
        )
    }

    fn validate_split_cifar(&self) -> Result<(), Error> {
        let has_dropout = |it: &Condition| it.parts().dropout.is_some();
        if self.conditions().iter().any(has_dropout) {
            return Err(Error::Config(
                "the method dropout is not for split-cifar, whose network always has dropout"
                    .to_string(),
            ));
        }
        check(
            self.hidden_sizes.len() == 3,
            "hidden_sizes",
            format!("{} numbers", self.hidden_sizes.len()),
            "three numbers in split-cifar: channels, channels, dense units",
        )?;
        check(
            self.activation == Activation::Relu,
            "activation",
            format!("{:?}", self.activation).to_lowercase(),
            "relu in split-cifar",
        )?;
        check(
            !self.record_correlations,
            "record_correlations",
            "true".to_string(),
            "false in split-cifar, whose network is not a perceptron",
        )
    }

    fn validate_numbers(&self) -> Result<(), Error> {
        check(
            positive(self.learning_rate),
            "learning_rate",
            self.learning_rate.to_string(),
            "a number > 0",
        )?;
        check(
            (0.0..1.0).contains(&self.momentum),
            "momentum",
            self.momentum.to_string(),
            "a number in [0, 1)",
        )?;
        check(
            self.checkpoint_seconds.is_none_or(non_negative),
            "checkpoint_seconds",
            self.checkpoint_seconds.unwrap_or_default().to_string(),
            "a number ≥ 0",
        )?;
        check(
            self.reset_optimizer != OptimizerReset::Moments || self.optimizer == Optimizer::Adam,
            "reset_optimizer",
            "moments".to_string(),
            "none or all if the optimizer is not adam",
        )?;
        for (key, value) in [
            ("num_epochs", self.num_epochs),
            ("batch_size", self.batch_size),
            ("num_seeds", self.num_seeds),
            ("num_jobs", self.num_jobs.unwrap_or(1)),
            ("num_threads", self.num_threads.unwrap_or(1)),
            ("num_train_images", self.num_train_images.unwrap_or(1)),
            ("num_train_evaluated", self.num_train_evaluated.unwrap_or(1)),
            ("num_held_out", self.num_held_out.unwrap_or(1)),
            ("num_importance_images", self.num_importance_images),
        ] {
            check(value > 0, key, value.to_string(), "a whole number ≥ 1")?;
        }
        let last_seed = u64::try_from(self.num_seeds)
            .ok()
            .and_then(|num_seeds| self.first_seed.checked_add(num_seeds));
        check(
            last_seed.is_some_and(|seed| i64::try_from(seed).is_ok()),
            "first_seed",
            self.first_seed.to_string(),
            "small enough for every seed to be below 2^63",
        )?;
        for size in &self.hidden_sizes {
            check(
                *size > 0,
                "hidden_sizes",
                size.to_string(),
                "whole numbers ≥ 1",
            )?;
        }
        Ok(())
    }
}

fn non_negative(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

fn positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

fn check(
    is_valid: bool,
    key: &'static str,
    value: String,
    expected: &'static str,
) -> Result<(), Error> {
    if is_valid {
        Ok(())
    } else {
        Err(Error::Value {
            key,
            value,
            expected,
        })
    }
}
