use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Error;
use crate::data::{DataSet, ImageSet, LabelledSplits, OwnImages, load, load_own_images};
use crate::read_toml;

use super::{Experiment, ExperimentConfig};

impl ExperimentConfig {
    /// The same experiment on the user's own images in `folder`, instead of a data set. If it had all tasks of split
    /// MNIST, it has all pairs of classes.
    ///
    /// # Errors
    ///
    /// Those of [`load_own_images`].
    pub fn with_images(self, folder: &Path) -> Result<Self, Error> {
        let set = load_own_images(folder)?.set;
        Ok(self.with_image_set(folder.to_path_buf(), set))
    }

    fn with_image_set(self, folder: PathBuf, set: ImageSet) -> Self {
        self.on(|config| Self {
            data_set: None,
            images: Some(folder),
            image_set: Some(set),
            ..config
        })
    }

    /// The same experiment on `data_set`, instead of the user's own images. If it had all pairs of classes, it has all
    /// tasks of split MNIST.
    pub fn with_data_set(self, data_set: DataSet) -> Self {
        self.on(|config| Self {
            data_set: Some(data_set),
            images: None,
            image_set: None,
            ..config
        })
    }

    /// With other images. All tasks of split MNIST stay all tasks.
    fn on(self, change: impl FnOnce(Self) -> Self) -> Self {
        let has_all =
            self.experiment == Experiment::SplitMnist && self.num_tasks == self.max_tasks();
        let mut config = change(self);
        if has_all {
            config.num_tasks = config.max_tasks();
        }
        config
    }

    /// The config on the images that `text`, in TOML, names: a data set, a folder, or those of `self`.
    ///
    /// Reads the folder, unless `text` or `self` says what it holds.
    pub(super) fn on_images_of(&self, text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Named {
            data_set: Option<DataSet>,
            images: Option<PathBuf>,
            image_set: Option<ImageSet>,
        }
        let config = self.clone();
        match read_toml(text)? {
            Named {
                images: Some(folder),
                image_set: Some(set),
                ..
            } => Ok(config.with_image_set(folder, set)),
            Named {
                images: Some(folder),
                ..
            } if config.images.as_ref() != Some(&folder) => config.with_images(&folder),
            Named {
                images: None,
                data_set: Some(data_set),
                ..
            } if config.images.is_some() => Ok(config.with_data_set(data_set)),
            _ => Ok(config),
        }
    }

    /// The largest possible number of tasks.
    pub fn max_tasks(&self) -> usize {
        match (self.experiment, &self.image_set) {
            (Experiment::SplitMnist, Some(set)) => set.classes.len() / 2,
            (experiment, _) => experiment.max_tasks(),
        }
    }

    /// What each class of split or permuted MNIST shows, `[classes]`.
    pub(crate) fn class_names(&self) -> Vec<&str> {
        match &self.image_set {
            Some(set) => set.classes.iter().map(String::as_str).collect(),
            None => self.data_set().class_names().to_vec(),
        }
    }

    /// Reads the images that the tasks are made from. Downloads them if they are missing.
    ///
    /// # Errors
    ///
    /// Those of [`load()`], or those of [`load_own_images`], and [`Error::ImagesDiffer`] if the folder of the
    /// user's own images has changed.
    pub fn check_images(&self) -> Result<(), Error> {
        let data_dir = self.data_dir.as_deref();
        match self.experiment {
            Experiment::SplitMnist | Experiment::PermutedMnist => {
                self.load_images()?;
            }
            Experiment::SplitCifar => {
                load(DataSet::Cifar10, data_dir)?;
                load(DataSet::Cifar100, data_dir)?;
            }
        }
        Ok(())
    }

    /// The images of split or permuted MNIST.
    pub(super) fn load_images(&self) -> Result<LabelledSplits, Error> {
        let Some(folder) = &self.images else {
            return load(self.data_set(), self.data_dir.as_deref());
        };
        let OwnImages { set, splits } = load_own_images(folder)?;
        match &self.image_set {
            Some(stored) if stored.md5 != set.md5 => Err(Error::ImagesDiffer {
                path: folder.clone(),
                stored: stored.md5.clone(),
                found: set.md5,
            }),
            _ => Ok(splits),
        }
    }

    fn data_set(&self) -> DataSet {
        self.data_set.unwrap_or(DataSet::Mnist)
    }
}

#[cfg(test)]
mod tests;
