//! Sequences of tasks, made from labelled images.
//!
//! A [`TaskSequence`] is only a description: which images belong to a task, and which outputs of
//! the network belong to their classes. [`ImageDataset`] feeds Burn's data loaders.
//! [`DeviceImages`] is a whole task on the device; batches are selected from it without another
//! upload.

mod batcher;
mod dataset;
mod device_images;
mod pairs;
mod permuted_mnist;
mod sequence;
mod split_cifar;
mod split_mnist;
mod stacked_images;
#[expect(
    clippy::module_inception,
    reason = "a task is the concept that the module is named for"
)]
mod task;

#[cfg(test)]
mod testing;

pub use batcher::ImageBatcher;
pub use dataset::{ImageDataset, ImageItem};
pub use device_images::{DeviceImages, ImageBatch};
pub(crate) use pairs::class_pairs;
pub use pairs::split_in_pairs;
pub use permuted_mnist::{permute_pixels, permuted_mnist};
pub use sequence::TaskSequence;
pub use split_cifar::split_cifar;
pub use split_mnist::split_mnist;
pub use stacked_images::{StackedBatch, StackedImages};
pub use task::Task;
