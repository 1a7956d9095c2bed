use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{DeviceImages, ImageDataset};

/// Images of each replica, `[replicas, batch, pixels]`, and their labels, `[replicas, batch]`.
pub type StackedBatch = (Tensor<3>, Tensor<2, Int>);

/// All images of a data set on the device, once for all replicas of a stack. Each replica may have its own order of the
/// pixels.
#[derive(Clone, Debug)]
pub struct StackedImages {
    /// In the order of the pixels that all replicas have, if they have one.
    images: DeviceImages,
    num_replicas: usize,
    /// The pixel at each place, `[replicas, 1, pixels]`. `None` if all replicas have the same order.
    pixel_orders: Option<Tensor<3, Int>>,
}

impl StackedImages {
    /// Uploads the images of `of_each`, one data set for each replica, unless one of `uploaded` holds them.
    ///
    /// Returns `None` if there is no data set, or if they do not
    /// [share their images](ImageDataset::shares_images) and their labels.
    pub fn upload<'a>(
        of_each: &[&'a ImageDataset],
        uploaded: &mut Vec<(&'a ImageDataset, DeviceImages)>,
        device: &Device,
    ) -> Option<Self> {
        let (first, others) = of_each.split_first()?;
        let is_same =
            |other: &&ImageDataset| first.shares_images(other) && first.labels().eq(other.labels());
        if !others.iter().all(is_same) {
            return None;
        }
        let images = match uploaded
            .iter()
            .find(|(other, _)| first.shares_images(other))
        {
            Some((_, images)) => first.to_device_like(images),
            None => {
                let images = first.to_device(device);
                uploaded.push((*first, images.clone()));
                images
            }
        };
        let order = first.pixel_order();
        let have_one_order = others.iter().all(|other| other.pixel_order() == order);
        let pixel_orders = (!have_one_order).then(|| pixel_orders(of_each, device));
        Some(Self {
            images: match pixel_orders {
                None => images,
                Some(_) => DeviceImages {
                    pixel_order: None,
                    ..images
                },
            },
            num_replicas: of_each.len(),
            pixel_orders,
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// The device that holds them.
    pub fn device(&self) -> Device {
        self.images.device()
    }

    /// The first images, at most `count`. They share memory with `self`.
    pub fn first(&self, count: usize) -> Self {
        Self {
            images: self.images.first(count),
            ..self.clone()
        }
    }

    /// The images and labels at `indices`, which are on the same device: those of one replica after the other,
    /// `[replicas · batch]`. Reads nothing from the device and uploads nothing.
    pub fn batch(&self, indices: Tensor<1, Int>) -> StackedBatch {
        let [num_indices] = indices.dims();
        let shape = [self.num_replicas, num_indices / self.num_replicas];
        let (images, labels) = self.images.batch(indices);
        let [_, num_pixels] = images.dims();
        let images = images.reshape([shape[0], shape[1], num_pixels]);
        (self.reordered(images), labels.reshape(shape))
    }

    /// All images in their order, at most `size` at a time for each replica, as [`DeviceImages::chunks`] divides them.
    ///
    /// # Panics
    ///
    /// If `size` is 0.
    pub fn chunks(&self, size: usize) -> impl Iterator<Item = StackedBatch> {
        self.images.chunks(size).map(|(images, labels)| {
            let [batch, num_pixels] = images.dims();
            let images = images.unsqueeze_dim::<3>(0);
            let images = images.expand([self.num_replicas, batch, num_pixels]);
            let labels = labels.unsqueeze_dim::<2>(0);
            (
                self.reordered(images),
                labels.expand([self.num_replicas, batch]),
            )
        })
    }

    fn reordered(&self, images: Tensor<3>) -> Tensor<3> {
        match &self.pixel_orders {
            Some(orders) => {
                let shape = images.dims();
                images.gather(2, orders.clone().expand(shape))
            }
            None => images,
        }
    }
}

/// The pixel at each place for each replica, `[replicas, 1, pixels]`.
fn pixel_orders(of_each: &[&ImageDataset], device: &Device) -> Tensor<3, Int> {
    let num_pixels = of_each.first().map_or(0, |it| it.shape().iter().product());
    let orders = of_each.iter().flat_map(|dataset| {
        let order = dataset.pixel_order();
        (0..num_pixels).map(move |place| order.map_or(place, |order| order[place]) as i32)
    });
    let orders: Vec<i32> = orders.collect();
    Tensor::from_data(
        TensorData::new(orders, [of_each.len(), 1, num_pixels]),
        device,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::testing::tiny_images;

    fn plain() -> ImageDataset {
        ImageDataset::new(&tiny_images(), Some)
    }

    /// Replicas that each have some order of the two pixels.
    fn stacked(orders: &[Option<[usize; 2]>]) -> StackedImages {
        let plain = plain();
        let dataset = |order: &Option<[usize; 2]>| match order {
            Some(order) => plain.clone().with_pixel_order((*order).into()),
            None => plain.clone(),
        };
        let datasets: Vec<ImageDataset> = orders.iter().map(dataset).collect();
        let of_each: Vec<&ImageDataset> = datasets.iter().collect();
        let stacked = StackedImages::upload(&of_each, &mut Vec::new(), &Device::flex());
        stacked.expect("the images are the same")
    }

    fn pixels(images: Tensor<3>) -> Vec<f32> {
        let bytes = images.mul_scalar(255.0).round().into_data();
        bytes.iter().collect()
    }

    #[test]
    fn each_replica_has_its_own_images_in_its_own_order_of_pixels() {
        let device = Device::flex();
        let single = plain().to_device(&device);
        let swapped = plain().with_pixel_order([1, 0].into()).to_device(&device);
        let [first, second] = [[6, 1], [3, 6]];
        let indices = || Tensor::from_ints([first, second].concat().as_slice(), &device);
        for (orders, expected) in [
            ([None, None], [&single, &single]),
            ([None, Some([1, 0])], [&single, &swapped]),
            ([Some([1, 0]), None], [&swapped, &single]),
            ([Some([1, 0]), Some([1, 0])], [&swapped, &swapped]),
        ] {
            let (images, labels) = stacked(&orders).batch(indices());
            let of = |images: &DeviceImages, indices: [i32; 2]| {
                images.batch(Tensor::from_ints(indices, &device))
            };
            let (parts, of_parts): (Vec<_>, Vec<_>) =
                [of(expected[0], first), of(expected[1], second)]
                    .into_iter()
                    .unzip();
            assert_eq!(pixels(images), pixels(Tensor::stack(parts, 0)));
            let expected: Tensor<2, Int> = Tensor::stack(of_parts, 0);
            assert_eq!(labels.into_data(), expected.into_data());
        }
    }

    #[test]
    fn chunks_hold_all_images_for_each_replica() {
        let stacked = stacked(&[None, Some([1, 0]), None]).first(7);
        let chunks: Vec<StackedBatch> = stacked.chunks(4).collect();
        let shapes: Vec<_> = chunks.iter().map(|(images, _)| images.dims()).collect();
        assert_eq!(shapes, [[3, 3, 2], [3, 4, 2]]);
        let (images, labels): (Vec<_>, Vec<_>) = chunks.into_iter().unzip();
        let device = Device::flex();
        let whole = stacked.batch(Tensor::from_ints(
            [0, 1, 2, 3, 4, 5, 6].repeat(3).as_slice(),
            &device,
        ));
        assert_eq!(pixels(Tensor::cat(images, 1)), pixels(whole.0));
        assert_eq!(Tensor::cat(labels, 1).into_data(), whole.1.into_data());
    }

    #[test]
    fn images_that_are_uploaded_are_not_uploaded_again() {
        let device = Device::flex();
        let (whole, part) = (plain(), plain().first(3));
        let mut uploaded = Vec::new();
        for (dataset, num_uploaded) in [(&whole, 1), (&whole, 1), (&part, 2), (&part, 2)] {
            let stacked = StackedImages::upload(&[dataset, dataset], &mut uploaded, &device);
            assert_eq!(stacked.map(|it| it.len()), Some(dataset.len()));
            assert_eq!(uploaded.len(), num_uploaded);
        }
    }

    #[test]
    fn replicas_without_common_images_and_labels_are_no_stack() {
        let (whole, part) = (plain(), plain().first(3));
        let other_labels = ImageDataset::new(&tiny_images(), |class| Some(class + 1));
        for of_each in [vec![], vec![&whole, &part], vec![&whole, &other_labels]] {
            let stacked = StackedImages::upload(&of_each, &mut Vec::new(), &Device::flex());
            assert!(stacked.is_none());
        }
    }
}
