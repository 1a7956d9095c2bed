use crate::alternatives::one_of;
use crate::data::DataSet;
use crate::methods::MethodSpec;
use crate::task::class_pairs;
use crate::{Error, Range};

use super::{Activation, Experiment, ExperimentConfig, Optimizer, OptimizerReset};

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
        self.validate_paths()?;
        self.validate_tasks()?;
        if self.experiment == Experiment::SplitCifar {
            self.validate_split_cifar()?;
        }
        self.validate_numbers()
    }

    /// The range of each number of the setting `key`. `None` if the setting is no number, or if its range depends on
    /// other settings.
    pub fn range(key: &str) -> Option<Range> {
        let row = RANGES.iter().find(|(of, ..)| *of == key);
        row.map(|(_, range, _)| *range)
    }

    /// Why the method `spec` cannot be run in this experiment and scenario. `None` if it can.
    pub fn obstacle(&self, spec: &MethodSpec) -> Option<String> {
        let alone = Self {
            methods: vec![spec.clone()],
            ..self.clone()
        };
        let condition = alone.conditions().pop()?;
        condition.conflict().or_else(|| self.unfit(&condition))
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
            if let Some(reason) = self.unfit(condition) {
                let experiment = self.experiment.name();
                return Err(Error::Config(format!(
                    "the method {spec} is not possible in {experiment}: {reason}"
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
        let has_factor = conditions.iter().any(|it| it.factor().is_some());
        if !self.choose_strength.is_fixed() && !has_factor {
            return Err(Error::Config(
                "choose_strength = chf has nothing to choose: give a method whose strength is the factor of a penalty or \
                 of a loss, such as si, ewc or lwf"
                    .to_string(),
            ));
        }
        Ok(())
    }

    /// Split CIFAR has its own data sets. The other experiments have either a data set or images.
    fn validate_data(&self) -> Result<(), Error> {
        let is_cifar = self.experiment == Experiment::SplitCifar;
        let data_set = self.data_set.map_or("none", DataSet::name);
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
                one_of(&DataSet::names_in_place_of_mnist()).unwrap_or_default(),
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
            images.display(),
            "left out in split-cifar",
        )?;
        check(
            num_classes.is_some_and(|number| (2..=256).contains(&number)),
            "image_set",
            held,
            "what the images are, with 2 to 256 classes",
        )
    }

    /// The config is stored in TOML, whose text is in UTF-8. The folder that it is in is not stored.
    fn validate_paths(&self) -> Result<(), Error> {
        for (key, path) in [("images", &self.images), ("data_dir", &self.data_dir)] {
            if let Some(path) = path {
                check(path.to_str().is_some(), key, path.display(), "in UTF-8")?;
            }
        }
        Ok(())
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
            self.num_tasks,
            format!("1 to {max_tasks} in {}", self.experiment.name()),
        )
    }

    fn validate_split_cifar(&self) -> Result<(), Error> {
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
            "true",
            "false in split-cifar, whose network is not a perceptron",
        )
    }

    fn validate_numbers(&self) -> Result<(), Error> {
        for (key, range, setting) in RANGES {
            for number in setting(self).numbers() {
                check(range.contains(number), key, number, range)?;
                let is_stored = !range.is_whole() || number < LIMIT;
                check(is_stored, key, number, "below 2^63")?;
            }
        }
        for (key, setting) in [
            ("chf_drop", &self.chf_drop as &dyn Numbers),
            ("chf_decay", &self.chf_decay),
            ("num_chf_images", &self.num_chf_images),
        ] {
            for number in setting.numbers() {
                check(
                    !self.choose_strength.is_fixed(),
                    key,
                    number,
                    "left out unless choose_strength is chf",
                )?;
            }
        }
        check(
            self.reset_optimizer != OptimizerReset::Moments || self.optimizer == Optimizer::Adam,
            "reset_optimizer",
            "moments",
            "none or all if the optimizer is not adam",
        )?;
        let last_seed = u64::try_from(self.num_seeds)
            .ok()
            .and_then(|num_seeds| self.first_seed.checked_add(num_seeds));
        check(
            last_seed.is_some_and(|seed| i64::try_from(seed).is_ok()),
            "first_seed",
            self.first_seed,
            "small enough for every seed to be below 2^63",
        )
    }
}

/// Above every whole number in a TOML file.
const LIMIT: f64 = (1_u64 << 63) as f64;

type Setting = fn(&ExperimentConfig) -> &dyn Numbers;

/// Makes a row of [`RANGES`] of every line.
macro_rules! ranges {
    ($($key:ident: $range:ident,)*) => {
        /// The settings that are numbers whose range does not depend on other settings.
        const RANGES: &[(&str, Range, Setting)] = &[
            $((stringify!($key), Range::$range, |config| &config.$key),)*
        ];
    };
}

ranges! {
    num_train_images: Count,
    num_train_evaluated: Count,
    num_held_out: Count,
    chf_drop: Fraction,
    chf_decay: ProperShare,
    num_chf_images: Count,
    num_importance_images: Count,
    num_epochs: Count,
    batch_size: Count,
    learning_rate: Positive,
    hidden_sizes: Counts,
    momentum: Fraction,
    num_seeds: Count,
    num_jobs: Count,
    num_replicas: Count,
    num_threads: Count,
    checkpoint_seconds: NonNegative,
}

/// A setting that holds any number of numbers.
trait Numbers {
    fn numbers(&self) -> Vec<f64>;
}

impl Numbers for f64 {
    fn numbers(&self) -> Vec<f64> {
        vec![*self]
    }
}

impl Numbers for usize {
    fn numbers(&self) -> Vec<f64> {
        vec![*self as f64]
    }
}

impl<T: Numbers> Numbers for Option<T> {
    fn numbers(&self) -> Vec<f64> {
        self.iter().flat_map(Numbers::numbers).collect()
    }
}

impl<T: Numbers> Numbers for Vec<T> {
    fn numbers(&self) -> Vec<f64> {
        self.iter().flat_map(Numbers::numbers).collect()
    }
}

fn check(
    is_valid: bool,
    key: &'static str,
    value: impl ToString,
    expected: impl ToString,
) -> Result<(), Error> {
    if is_valid {
        Ok(())
    } else {
        Err(Error::Value {
            key,
            value: value.to_string(),
            expected: expected.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use toml::{Table, Value};

    use super::*;

    #[test]
    fn a_number_outside_its_range_is_refused_with_its_key() {
        for (key, range, _) in RANGES {
            let outside = match range {
                Range::Count => Value::Integer(0),
                Range::Counts => Value::Array(vec![Value::Integer(3), Value::Integer(0)]),
                _ => Value::Float(-0.5),
            };
            let text = Table::from_iter([(key.to_string(), outside)]).to_string();
            let error = ExperimentConfig::from_toml(Experiment::SplitMnist, &text);
            let error = error.expect_err("it is outside").to_string();
            let start = format!("{key} must be {range}, got ");
            assert!(error.starts_with(&start), "{error}");
        }
    }

    #[test]
    fn what_a_choice_of_the_strength_needs_is_checked() {
        for (text, expected) in [
            (
                "chf_decay = 0.3\n",
                "chf_decay must be left out unless choose_strength is chf, got 0.3",
            ),
            (
                "num_chf_images = 7\n",
                "num_chf_images must be left out unless choose_strength is chf, got 7",
            ),
            (
                "choose_strength = 'chf'\nchf_decay = 1\n",
                "chf_decay must be a number in (0, 1), got 1",
            ),
            (
                "choose_strength = 'chf'\nchf_drop = 1\n",
                "chf_drop must be a number in [0, 1), got 1",
            ),
            (
                "choose_strength = 'chf'\nmethods = ['none', 'er', 'reduced-rate', 'joint']\n",
                "choose_strength = chf has nothing to choose: give a method whose strength is the factor of a penalty or \
                 of a loss, such as si, ewc or lwf",
            ),
        ] {
            let error = ExperimentConfig::from_toml(Experiment::SplitMnist, text);
            assert_eq!(error.expect_err(text).to_string(), expected);
        }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_number_that_no_file_can_hold_is_refused() {
        let config = ExperimentConfig {
            batch_size: usize::MAX,
            ..ExperimentConfig::paper(Experiment::SplitMnist)
        };
        let error = config.validate().expect_err("it is too large").to_string();
        assert!(
            error.starts_with("batch_size must be below 2^63, got "),
            "{error}"
        );
    }

    #[test]
    #[cfg(unix)]
    fn a_path_that_no_file_can_hold_is_refused() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        let config = ExperimentConfig {
            data_dir: Some(OsStr::from_bytes(b"\xff").into()),
            ..ExperimentConfig::paper(Experiment::SplitMnist)
        };
        let error = config.validate().expect_err("it is not UTF-8").to_string();
        assert!(
            error.starts_with("data_dir must be in UTF-8, got "),
            "{error}"
        );
    }
}
