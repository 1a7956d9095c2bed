use std::sync::Arc;

use burn::{
    data::dataset::{Dataset, DatasetError},
    tensor::{Device, Int, Tensor, TensorData},
};

use crate::data::LabelledImages;

use super::DeviceImages;

/// Some of the images of a data set, with labels of their own. The pixels are shared, not copied.
#[derive(Clone, Debug)]
pub struct ImageDataset {
    images: Arc<LabelledImages>,
    /// Which images, in their order.
    indices: Arc<[usize]>,
    /// Label of each class of `images`; `None` for classes that are left out.
    labels: Arc<[Option<usize>]>,
}

/// An image and its label.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageItem {
    /// Brightness of every pixel, in `[0, 1]`, in the order `[channels, height, width]`.
    pub pixels: Vec<f32>,
    /// The output that answers for it.
    pub label: usize,
}

impl ImageDataset {
    /// The images of every class for which `label_of` yields a label, in their order.
    pub fn new(images: &Arc<LabelledImages>, label_of: impl Fn(usize) -> Option<usize>) -> Self {
        let labels: Arc<[Option<usize>]> = (0..images.num_classes()).map(label_of).collect();
        let indices = images
            .labels()
            .iter()
            .enumerate()
            .filter(|(_, class)| labels[usize::from(**class)].is_some())
            .map(|(index, _)| index)
            .collect();
        Self {
            images: Arc::clone(images),
            indices,
            labels,
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Shape of an image, `[channels, height, width]`.
    pub fn shape(&self) -> [usize; 3] {
        self.images.shape()
    }

    /// Classes of the images in the data set that they come from, `[images]`.
    pub fn classes(&self) -> impl Iterator<Item = usize> {
        let classes = self.images.labels();
        self.indices
            .iter()
            .map(|index| usize::from(classes[*index]))
    }

    /// Labels of the images, `[images]`.
    pub fn labels(&self) -> impl Iterator<Item = usize> {
        self.classes().filter_map(|class| self.labels[class])
    }

    /// Brightness of every pixel of the image at `position`, in `[0, 1]`.
    fn pixels(&self, position: usize) -> impl Iterator<Item = f32> {
        let num_pixels = self.images.num_pixels();
        let start = self.indices[position] * num_pixels;
        self.images.pixels()[start..start + num_pixels]
            .iter()
            .map(|byte| f32::from(*byte) / 255.0)
    }

    /// All images and labels in one upload each, on `device` and its side of autodiff.
    pub fn to_device(&self, device: &Device) -> DeviceImages {
        let mut pixels = Vec::with_capacity(self.len() * self.images.num_pixels());
        for position in 0..self.len() {
            pixels.extend(self.pixels(position));
        }
        let labels: Vec<i32> = self.labels().map(|label| label as i32).collect();
        let images = TensorData::new(pixels, [self.len(), self.images.num_pixels()]);
        let labels = TensorData::new(labels, [self.len()]);
        DeviceImages {
            images: Tensor::from_data(images, device),
            labels: Tensor::<1, Int>::from_data(labels, device),
        }
    }
}

impl Dataset<ImageItem> for ImageDataset {
    fn get(&self, index: usize) -> Result<ImageItem, DatasetError> {
        let class = usize::from(self.images.labels()[self.indices[index]]);
        Ok(ImageItem {
            pixels: self.pixels(index).collect(),
            label: self.labels[class].expect("an image without a label has no index"),
        })
    }

    fn len(&self) -> usize {
        self.indices.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::testing::tiny_images;

    #[test]
    fn images_keep_their_order_and_take_new_labels() {
        let dataset = ImageDataset::new(&tiny_images(), |class| class.checked_sub(2));
        assert_eq!(dataset.len(), 4);
        assert_eq!(dataset.classes().collect::<Vec<_>>(), [2, 3, 2, 3]);
        assert_eq!(dataset.labels().collect::<Vec<_>>(), [0, 1, 0, 1]);
        let item = dataset.get(3).expect("inside");
        assert_eq!(item.label, 1);
        assert_eq!(item.pixels, [7.0 / 255.0, 1.0]);
    }

    #[test]
    fn the_device_holds_what_the_items_hold() {
        let dataset = ImageDataset::new(&tiny_images(), |class| Some(class + 10));
        let uploaded = dataset.to_device(&Device::flex());
        let pixels: Vec<f32> = uploaded.images.into_data().iter().collect();
        let labels: Vec<i64> = uploaded.labels.into_data().iter().collect();
        for (index, item) in dataset.iter().enumerate() {
            let item = item.expect("inside");
            assert_eq!(item.pixels, pixels[2 * index..2 * index + 2]);
            assert_eq!(item.label as i64, labels[index]);
        }
    }
}
