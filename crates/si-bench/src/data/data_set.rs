use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// A data set from which tasks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataSet {
    /// Handwritten digits, included in the program.
    Mnist,
    /// Articles of clothing, from a folder or by download.
    FashionMnist,
    /// Colour photographs of ten kinds of animals and vehicles, from a folder or by download.
    #[serde(rename = "cifar-10")]
    Cifar10,
    /// Colour photographs of a hundred kinds of things, by their fine labels, from a folder or by
    /// download.
    #[serde(rename = "cifar-100")]
    Cifar100,
}

impl DataSet {
    /// Every data set.
    pub const ALL: [DataSet; 4] = [
        DataSet::Mnist,
        DataSet::FashionMnist,
        DataSet::Cifar10,
        DataSet::Cifar100,
    ];

    /// The name in files, folders and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            DataSet::Mnist => "mnist",
            DataSet::FashionMnist => "fashion-mnist",
            DataSet::Cifar10 => "cifar-10",
            DataSet::Cifar100 => "cifar-100",
        }
    }

    /// The name in sentences and figures.
    pub fn title(self) -> &'static str {
        match self {
            DataSet::Mnist => "MNIST",
            DataSet::FashionMnist => "Fashion-MNIST",
            DataSet::Cifar10 => "CIFAR-10",
            DataSet::Cifar100 => "CIFAR-100",
        }
    }

    /// Number of classes. Labels are below it.
    pub fn num_classes(self) -> usize {
        self.class_names().len()
    }

    /// Shape of an image, `[channels, height, width]`.
    pub fn image_shape(self) -> [usize; 3] {
        match self {
            DataSet::Mnist | DataSet::FashionMnist => [1, 28, 28],
            DataSet::Cifar10 | DataSet::Cifar100 => [3, 32, 32],
        }
    }

    /// Whether the data set is included in the program. Then it needs no folder and no network.
    pub fn is_in_the_box(self) -> bool {
        let files = self.main_form().files;
        files.iter().all(|file| file.boxed().is_some())
    }
}

impl fmt::Display for DataSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for DataSet {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        DataSet::ALL
            .into_iter()
            .find(|data_set| data_set.name() == name)
            .ok_or_else(|| Error::Value {
                key: "data_set",
                value: name.to_string(),
                expected: "mnist, fashion-mnist, cifar-10 or cifar-100",
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_to_its_data_set() {
        for data_set in DataSet::ALL {
            let read: DataSet = data_set.to_string().parse().expect("its own name");
            assert_eq!(read, data_set);
            let quoted = serde_json::to_string(&data_set).expect("a unit variant");
            assert_eq!(quoted, format!("\"{data_set}\""));
        }
    }

    #[test]
    fn error_for_an_unknown_name_lists_all_names() {
        let error = "imagenet"
            .parse::<DataSet>()
            .expect_err("unknown")
            .to_string();
        for data_set in DataSet::ALL {
            assert!(error.contains(data_set.name()), "{error}");
        }
    }
}
