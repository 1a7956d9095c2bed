use burn::{
    data::dataloader::batcher::Batcher,
    tensor::{Device, Int, Tensor, TensorData},
};

use super::{ImageBatch, ImageItem};

/// Makes batches of [`ImageItem`]s for Burn's data loaders.
///
/// ```
/// use burn::{data::dataloader::DataLoaderBuilder, tensor::Device};
/// use si_bench::{data::DataSet, experiment::Scenario, task::{ImageBatcher, split_mnist}};
///
/// let sequence = split_mnist(DataSet::Mnist, None, Scenario::Task)?;
/// let loader = DataLoaderBuilder::new(ImageBatcher)
///     .batch_size(64)
///     .shuffle(0)
///     .set_device(Device::flex())
///     .build(sequence.tasks[0].train.clone());
/// let (images, labels) = loader.iter().next().expect("a first batch")?;
/// assert_eq!((images.dims(), labels.dims()), ([64, 784], [64]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ImageBatcher;

impl Batcher<ImageItem, ImageBatch> for ImageBatcher {
    fn batch(&self, items: Vec<ImageItem>, device: &Device) -> ImageBatch {
        let num_items = items.len();
        let num_pixels = items.first().map_or(0, |item| item.pixels.len());
        let labels: Vec<i32> = items.iter().map(|item| item.label as i32).collect();
        let pixels: Vec<f32> = items.into_iter().flat_map(|item| item.pixels).collect();
        (
            Tensor::from_data(TensorData::new(pixels, [num_items, num_pixels]), device),
            Tensor::<1, Int>::from_data(TensorData::new(labels, [num_items]), device),
        )
    }
}

#[cfg(test)]
mod tests {
    use burn::data::dataloader::DataLoaderBuilder;

    use super::*;
    use crate::task::{ImageDataset, testing::tiny_images};

    #[test]
    fn a_data_loader_delivers_every_image_once() {
        let dataset = ImageDataset::new(&tiny_images(), Some);
        let loader = DataLoaderBuilder::new(ImageBatcher)
            .batch_size(3)
            .shuffle(1)
            .set_device(Device::flex())
            .build(dataset);
        assert_eq!(loader.num_items(), 8);
        let mut first_pixels = Vec::new();
        for batch in loader.iter() {
            let (images, labels) = batch.expect("images in memory");
            let pixels: Vec<f32> = images.into_data().iter().collect();
            let labels: Vec<i64> = labels.into_data().iter().collect();
            for (pixels, label) in pixels.chunks(2).zip(labels) {
                let index = (pixels[0] * 255.0).round() as i64;
                assert_eq!(index % 4, label);
                first_pixels.push(index);
            }
        }
        first_pixels.sort_unstable();
        assert_eq!(first_pixels, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
