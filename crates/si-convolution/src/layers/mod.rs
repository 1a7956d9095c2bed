//! Burn's layers, computed by the kernels of this crate where that is possible: on the backend Flex, in f32.
//!
//! A layer's parameters and records are Burn's own. Whatever the kernels do not cover is computed as in Burn: other backends and
//! types, groups, and a padding that differs between opposite sides.
//!
#![cfg_attr(feature = "flex", doc = "```")]
#![cfg_attr(not(feature = "flex"), doc = "```ignore")]
//! use burn::nn::conv::Conv2dConfig;
//! use burn::tensor::{Device, Tensor};
//! use si_convolution::{Activation, layers};
//!
//! let device = Device::flex().autodiff();
//! let layer = Conv2dConfig::new([3, 8], [3, 3]).init(&device);
//! let images = Tensor::<4>::ones([2, 3, 10, 10], &device);
//! // In place of `relu(layer.forward(images))`.
//! let maps = layers::convolve(&layer, images, Activation::Relu);
//! assert_eq!(maps.dims(), [2, 8, 8, 8]);
//! ```

use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;

#[cfg(feature = "flex")]
mod flex;

use crate::Activation;

/// The output of a convolution and an activation: `[batch, channels_in, height, width]` to
/// `[batch, channels_out, height, width]`.
pub fn convolve(layer: &Conv2d, images: Tensor<4>, activation: Activation) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if let Some(convolution) = flex::covered_convolution(layer, &images) {
        return flex::convolve(layer, images, convolution, activation);
    }
    let sums = layer.forward(images);
    match activation {
        Activation::None => sums,
        Activation::Relu => relu(sums),
    }
}

/// The output of max pooling: `[batch, channels, height, width]` to `[batch, channels, height, width]`.
///
/// The kernels cover windows that do not overlap, without padding.
pub fn max_pool(layer: &MaxPool2d, images: Tensor<4>) -> Tensor<4> {
    #[cfg(feature = "flex")]
    if let Some(pool) = flex::covered_pool(layer, &images) {
        return flex::max_pool(images, pool);
    }
    layer.forward(images)
}
