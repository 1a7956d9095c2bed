use crate::{Error, device};

use super::cost::bytes_of_image;
use super::tasks::tasks;
use super::{ExperimentConfig, StatePrecision};

impl ExperimentConfig {
    /// The largest number of images that take no more bytes than what Synaptic Intelligence keeps: importance and anchor of
    /// each parameter of the network. An image takes a byte for each pixel, and one for its label.
    ///
    /// # Errors
    ///
    /// Those of [`device`](crate::device()) and of the images, and [`Error::Value`] if the held-out images leave none to
    /// train on.
    pub fn images_in_the_memory_of_si(&self) -> Result<usize, Error> {
        let tasks = tasks(self, self.first_seed)?;
        let num_parameters = self.num_plain_parameters(&tasks, &device(&self.device)?);
        let num_pixels = tasks.image_shape.iter().product();
        let bytes_per_number = match self.state_precision {
            StatePrecision::Full => 4,
            StatePrecision::Bf16 => 2,
        };
        Ok(2 * bytes_per_number * num_parameters / bytes_of_image(num_pixels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Experiment;

    #[test]
    fn memory_has_as_many_bytes_as_importance_and_anchor_of_every_parameter() {
        let config = ExperimentConfig {
            hidden_sizes: vec![16],
            num_train_images: Some(10),
            ..ExperimentConfig::paper(Experiment::SplitMnist)
        };
        // Weights and biases from 784 pixels over 16 units to 10 classes, and 785 bytes for an image with its label.
        let num_parameters = 784 * 16 + 16 + 16 * 10 + 10;
        let count = |config: &ExperimentConfig| config.images_in_the_memory_of_si();
        assert_eq!(
            count(&config).expect("MNIST is built in"),
            8 * num_parameters / 785
        );
        let half = ExperimentConfig {
            state_precision: StatePrecision::Bf16,
            ..config
        };
        assert_eq!(
            count(&half).expect("MNIST is built in"),
            4 * num_parameters / 785
        );
    }
}
