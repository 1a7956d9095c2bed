use burn::tensor::{Device, Int, Tensor};

/// Images `[batch, pixels]` with values in `[0, 1]` unless they are standardised, and their labels `[batch]`.
pub type ImageBatch = (Tensor<2>, Tensor<1, Int>);

/// All images of a data set on the device, made by
/// [`ImageDataset::to_device`](super::ImageDataset::to_device).
#[derive(Clone, Debug)]
pub struct DeviceImages {
    /// Brightness, in the data set's original order, `[images, pixels]`.
    pub(super) images: Tensor<2>,
    /// Labels, `[images]`.
    pub(super) labels: Tensor<1, Int>,
    /// The pixel at each place of a batch, `[pixels]`. `None` for the original order.
    pub(super) pixel_order: Option<Tensor<1, Int>>,
}

impl DeviceImages {
    /// Number of images.
    pub fn len(&self) -> usize {
        let [len] = self.labels.dims();
        len
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of pixels of an image.
    pub fn num_pixels(&self) -> usize {
        let [_, num_pixels] = self.images.dims();
        num_pixels
    }

    /// The device that holds them.
    pub fn device(&self) -> Device {
        self.images.device()
    }

    /// All images and labels in their order.
    pub fn all(&self) -> ImageBatch {
        (self.reordered(self.images.clone()), self.labels.clone())
    }

    /// The first images, at most `count`. They share memory with `self`.
    pub fn first(&self, count: usize) -> Self {
        let count = count.min(self.len());
        Self {
            images: self.images.clone().narrow(0, 0, count),
            labels: self.labels.clone().narrow(0, 0, count),
            pixel_order: self.pixel_order.clone(),
        }
    }

    /// The images and labels at `indices`, `[batch]`, which must be on the same device. Reads
    /// nothing from the device and uploads nothing.
    pub fn batch(&self, indices: Tensor<1, Int>) -> ImageBatch {
        let images = self.images.clone().select(0, indices.clone());
        (self.reordered(images), self.labels(indices))
    }

    /// The labels at `indices`, `[batch]`, which must be on the same device.
    pub fn labels(&self, indices: Tensor<1, Int>) -> Tensor<1, Int> {
        self.labels.clone().select(0, indices)
    }

    /// All images in their order, in as few chunks of at most `size` images as there can be. No chunk has two images more
    /// than another one, because a graphics card has its own kernels for each order of magnitude.
    ///
    /// # Panics
    ///
    /// If `size` is 0.
    pub fn chunks(&self, size: usize) -> impl Iterator<Item = ImageBatch> {
        let num_chunks = self.len().div_ceil(size);
        let start = move |chunk: usize| chunk * self.len() / num_chunks;
        (0..num_chunks).map(move |chunk| {
            let length = start(chunk + 1) - start(chunk);
            let images = self.images.clone().narrow(0, start(chunk), length);
            let labels = self.labels.clone().narrow(0, start(chunk), length);
            (self.reordered(images), labels)
        })
    }

    fn reordered(&self, images: Tensor<2>) -> Tensor<2> {
        match &self.pixel_order {
            Some(order) => images.select(1, order.clone()),
            None => images,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{ImageDataset, testing::tiny_images};

    #[test]
    fn a_batch_holds_the_images_at_its_indices() {
        let device = Device::flex();
        let images = ImageDataset::new(&tiny_images(), Some).to_device(&device);
        let (pixels, labels) = images.batch(Tensor::from_ints([6, 1, 6], &device));
        assert_eq!(numbers(labels), [2, 1, 2]);
        let first: Vec<f32> = pixels.slice([0..3, 0..1]).into_data().iter().collect();
        assert_eq!(first, [6.0 / 255.0, 1.0 / 255.0, 6.0 / 255.0]);
    }

    #[test]
    fn chunks_hold_every_image_once_and_in_order() {
        let images = ImageDataset::new(&tiny_images(), Some).to_device(&Device::flex());
        let chunks: Vec<_> = images.chunks(3).collect();
        let lengths: Vec<_> = chunks.iter().map(|(pixels, _)| pixels.dims()).collect();
        assert_eq!(lengths, [[2, 2], [3, 2], [3, 2]]);
        let labels: Vec<i64> = chunks
            .into_iter()
            .flat_map(|(_, labels)| numbers(labels))
            .collect();
        assert_eq!(labels, numbers(images.labels));
    }

    #[test]
    fn an_empty_data_set_has_no_chunks() {
        let images = ImageDataset::new(&tiny_images(), |_| None).to_device(&Device::flex());
        assert!(images.is_empty());
        assert_eq!(images.chunks(3).count(), 0);
    }

    fn numbers(labels: Tensor<1, Int>) -> Vec<i64> {
        labels.into_data().iter().collect()
    }
}
