use std::{ops::Range, sync::Arc};

use burn::{
    data::dataset::{Dataset, DatasetError},
    tensor::{Device, Tensor, TensorData},
};

use crate::data::LabelledImages;

use super::DeviceImages;

/// Some images of a data set, with new labels. The pixels are shared, not copied.
#[derive(Clone, Debug)]
pub struct ImageDataset {
    images: Arc<LabelledImages>,
    /// Indices of the images, in order.
    indices: Arc<[usize]>,
    /// Label of each class of `images`. `None` for classes that are left out.
    labels: Arc<[Option<usize>]>,
    /// The pixel of the data set at each place. `None` for the original order.
    pixel_order: Option<Arc<[usize]>>,
    scale: Scale,
}

/// What is subtracted from a pixel's brightness, 0 to 255, and what that is divided by.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    origin: f32,
    unit: f32,
}

/// An image and its label.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageItem {
    /// Brightness of every pixel, in `[0, 1]` unless it is standardised, in the order `[channels, height, width]`.
    pub pixels: Vec<f32>,
    /// The output of its class.
    pub label: usize,
}

impl ImageDataset {
    /// The images of every class for which `label_of` returns a label, in their original order.
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
            pixel_order: None,
            scale: Scale {
                origin: 0.0,
                unit: 255.0,
            },
        }
    }

    /// The same images, with the brightness of their pixels standardised: over all images of the data set that `reference`
    /// is a part of, whatever their class, its mean is 0 and its standard deviation 1.
    pub(super) fn standardized_by(self, reference: &Self) -> Self {
        match reference.images.mean_and_deviation() {
            Some([mean, deviation]) if deviation > 0.0 => Self {
                scale: Scale {
                    origin: mean as f32,
                    unit: deviation as f32,
                },
                ..self
            },
            _ => self,
        }
    }

    /// The same images with their pixels in another order: pixel `pixel_order[place]` is at
    /// `place`.
    ///
    /// # Panics
    ///
    /// If `pixel_order` does not have one entry per pixel, each below their number.
    pub fn with_pixel_order(self, pixel_order: Arc<[usize]>) -> Self {
        let num_pixels = self.images.num_pixels();
        assert!(
            pixel_order.len() == num_pixels && pixel_order.iter().all(|pixel| *pixel < num_pixels),
            "an order of {num_pixels} pixels has as many entries, each below it"
        );
        Self {
            pixel_order: Some(pixel_order),
            ..self
        }
    }

    /// The same images, with `offset` added to their labels.
    pub(super) fn with_labels_from(self, offset: usize) -> Self {
        let labels = self.labels.iter().map(|label| Some((*label)? + offset));
        Self {
            labels: labels.collect(),
            ..self
        }
    }

    /// The first images, at most `count`.
    pub fn first(&self, count: usize) -> Self {
        self.part(0..count.min(self.len()))
    }

    /// All images except the last `count`, and the last `count` images (fewer if there are not
    /// enough).
    pub fn split_off_last(&self, count: usize) -> (Self, Self) {
        let middle = self.len().saturating_sub(count);
        (self.part(0..middle), self.part(middle..self.len()))
    }

    fn part(&self, range: Range<usize>) -> Self {
        if range.len() == self.len() {
            self.clone()
        } else {
            Self {
                indices: self.indices[range].into(),
                ..self.clone()
            }
        }
    }

    /// Whether `other` has the same images on the same scale, whatever their labels and the order of their pixels.
    pub fn shares_images(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.images, &other.images)
            && self.indices == other.indices
            && self.scale == other.scale
    }

    /// The pixel of the data set at each place. `None` for the original order.
    pub(super) fn pixel_order(&self) -> Option<&[usize]> {
        self.pixel_order.as_deref()
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

    /// Classes of the images in the original data set, `[images]`.
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

    /// Brightness of every pixel of the image at `position`, in the data set's original order.
    fn pixels(&self, position: usize) -> impl Iterator<Item = f32> {
        let Scale { origin, unit } = self.scale;
        let num_pixels = self.images.num_pixels();
        let start = self.indices[position] * num_pixels;
        self.images.pixels()[start..start + num_pixels]
            .iter()
            .map(move |byte| (f32::from(*byte) - origin) / unit)
    }

    /// Uploads all images and labels to `device`, in one upload each. They are on the same side of
    /// autodiff as `device`.
    pub fn to_device(&self, device: &Device) -> DeviceImages {
        let mut pixels = Vec::with_capacity(self.len() * self.images.num_pixels());
        for position in 0..self.len() {
            pixels.extend(self.pixels(position));
        }
        let images = TensorData::new(pixels, [self.len(), self.images.num_pixels()]);
        self.over(Tensor::from_data(images, device))
    }

    /// Like [`to_device`](Self::to_device), but reuses the images of `uploaded`, a data set that
    /// [`shares_images`](Self::shares_images) with this one. Only the labels and the order of the
    /// pixels are uploaded.
    pub fn to_device_like(&self, uploaded: &DeviceImages) -> DeviceImages {
        self.over(uploaded.images.clone())
    }

    fn over(&self, images: Tensor<2>) -> DeviceImages {
        let device = images.device();
        let upload = |values: Vec<i32>| {
            let length = values.len();
            Tensor::from_data(TensorData::new(values, [length]), &device)
        };
        let pixel_order = self.pixel_order.as_ref();
        DeviceImages {
            labels: upload(self.labels().map(|label| label as i32).collect()),
            pixel_order: pixel_order
                .map(|order| upload(order.iter().map(|pixel| *pixel as i32).collect())),
            images,
        }
    }
}

impl Dataset<ImageItem> for ImageDataset {
    fn get(&self, index: usize) -> Result<ImageItem, DatasetError> {
        let class = usize::from(self.images.labels()[self.indices[index]]);
        let pixels: Vec<f32> = self.pixels(index).collect();
        Ok(ImageItem {
            pixels: match &self.pixel_order {
                Some(order) => order.iter().map(|pixel| pixels[*pixel]).collect(),
                None => pixels,
            },
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
    fn images_on_the_device_equal_the_items() {
        let plain = ImageDataset::new(&tiny_images(), |class| Some(class + 10));
        let swapped = plain.clone().with_pixel_order([1, 0].into());
        let device = Device::flex();
        let uploaded = plain.to_device(&device);
        assert!(plain.shares_images(&swapped));
        for (dataset, uploaded) in [
            (&swapped, swapped.to_device(&device)),
            (&swapped, swapped.to_device_like(&uploaded)),
            (&plain, uploaded),
        ] {
            let (pixels, labels) = uploaded.chunks(100).next().expect("all images");
            let pixels: Vec<f32> = pixels.into_data().iter().collect();
            let labels: Vec<i64> = labels.into_data().iter().collect();
            for (index, item) in dataset.iter().enumerate() {
                let item = item.expect("inside");
                assert_eq!(item.pixels, pixels[2 * index..2 * index + 2]);
                assert_eq!(item.label as i64, labels[index]);
            }
        }
    }

    #[test]
    fn standardised_images_have_the_scale_of_their_reference() {
        let images = tiny_images();
        let dataset = ImageDataset::new(&images, Some);
        let part = ImageDataset::new(&images, |class| (class == 1).then_some(0));
        let standardized = part.clone().standardized_by(&dataset);
        assert!(!standardized.shares_images(&part));
        let [mean, deviation] = images.mean_and_deviation().expect("there are images");
        let brightness = |it: &ImageDataset| it.get(0).expect("inside").pixels[1];
        let expected = (255.0 * f64::from(brightness(&part)) - mean) / deviation;
        assert!((f64::from(brightness(&standardized)) - expected).abs() < 1e-6);

        let all = dataset.clone().standardized_by(&part);
        let pixels = all.iter().flat_map(|item| item.expect("inside").pixels);
        let pixels: Vec<f64> = pixels.map(f64::from).collect();
        let mean = pixels.iter().sum::<f64>() / pixels.len() as f64;
        let variance = pixels.iter().map(|it| it.powi(2)).sum::<f64>() / pixels.len() as f64;
        assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-6);
    }

    #[test]
    fn parts_hold_every_image_once() {
        let dataset = ImageDataset::new(&tiny_images(), Some);
        let (front, back) = dataset.split_off_last(3);
        assert_eq!([front.len(), back.len()], [5, 3]);
        let classes: Vec<usize> = front.classes().chain(back.classes()).collect();
        assert_eq!(classes, dataset.classes().collect::<Vec<_>>());
        assert_eq!(dataset.first(2).classes().collect::<Vec<_>>(), [0, 1]);
        assert_eq!(dataset.first(100).len(), 8);
        assert!(dataset.split_off_last(100).0.is_empty());
    }
}
