use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// A data set that tasks are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataSet {
    /// Handwritten digits, in the box.
    Mnist,
    /// Articles of clothing, from a folder or by download.
    FashionMnist,
}

impl DataSet {
    /// Every data set.
    pub const ALL: [DataSet; 2] = [DataSet::Mnist, DataSet::FashionMnist];

    /// The name in files, folders and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            DataSet::Mnist => "mnist",
            DataSet::FashionMnist => "fashion-mnist",
        }
    }

    /// The name in sentences and figures.
    pub fn title(self) -> &'static str {
        match self {
            DataSet::Mnist => "MNIST",
            DataSet::FashionMnist => "Fashion-MNIST",
        }
    }

    /// Number of classes. Labels are below it.
    pub fn num_classes(self) -> usize {
        match self {
            DataSet::Mnist | DataSet::FashionMnist => 10,
        }
    }

    /// Shape of an image, `[channels, height, width]`.
    pub fn image_shape(self) -> [usize; 3] {
        match self {
            DataSet::Mnist | DataSet::FashionMnist => [1, 28, 28],
        }
    }

    /// Whether the program holds the data set, so that no folder and no network are needed.
    pub fn is_in_the_box(self) -> bool {
        self.files().iter().all(|file| file.boxed.is_some())
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
                expected: "mnist or fashion-mnist",
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
    fn an_unknown_name_is_answered_with_all_names() {
        let error = "cifar".parse::<DataSet>().expect_err("unknown").to_string();
        for data_set in DataSet::ALL {
            assert!(error.contains(data_set.name()), "{error}");
        }
    }
}
