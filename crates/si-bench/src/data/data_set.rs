use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Error, alternatives::one_of};

use super::table::{DataSet, NAMES};

impl DataSet {
    /// The name in files, folders and on the command line.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The name in sentences and figures.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// What each class shows, `[classes]`.
    pub fn class_names(self) -> &'static [&'static str] {
        self.row().class_names
    }

    /// Number of classes. Labels are below it.
    pub fn num_classes(self) -> usize {
        self.class_names().len()
    }

    /// Shape of an image, `[channels, height, width]`.
    pub fn image_shape(self) -> [usize; 3] {
        self.row().image_shape
    }

    /// Names of the data sets that can take the place of MNIST, itself included.
    pub(crate) fn names_in_place_of_mnist() -> Vec<&'static str> {
        let sets = DataSet::ALL.into_iter();
        sets.filter(|data_set| data_set.can_replace_mnist())
            .map(DataSet::name)
            .collect()
    }

    /// Whether it has as many classes as MNIST, and images of the same shape.
    pub(crate) fn can_replace_mnist(self) -> bool {
        let mnist = DataSet::Mnist;
        self.image_shape() == mnist.image_shape() && self.num_classes() == mnist.num_classes()
    }

    /// Whether the data set is included in the program, as MNIST is with the feature `mnist`. Then it
    /// needs no folder and no network.
    pub fn is_in_the_box(self) -> bool {
        let files = self.row().main_form().files;
        files.iter().all(|file| file.boxed.is_some())
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
                expected: one_of(NAMES).unwrap_or_default(),
            })
    }
}

impl Serialize for DataSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for DataSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse()
            .map_err(|_| de::Error::unknown_variant(&name, NAMES))
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
            let quoted = serde_json::to_string(&data_set).expect("a string");
            assert_eq!(quoted, format!("\"{data_set}\""));
            let read: DataSet = serde_json::from_str(&quoted).expect("its own name");
            assert_eq!(read, data_set);
        }
    }

    #[test]
    fn names_are_unique() {
        for (index, name) in NAMES.iter().enumerate() {
            assert!(!NAMES[..index].contains(name), "{name} is there twice");
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
