//! Which layers the kernels cover.

use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::nn::pool::MaxPool2d;
use burn::tensor::{DType, Device, Tensor};

mod ops;
#[cfg(test)]
mod tests;

use crate::{Convolution, MaxPool};
pub(super) use ops::{convolve, max_pool};

/// A layer as the kernels compute it, if they cover it.
pub(super) fn covered_convolution(layer: &Conv2d, images: &Tensor<4>) -> Option<Convolution> {
    let weight = layer.weight.val();
    let [_, channels_in, height, width] = images.dims();
    let [channels_out, weight_channels, kernel_height, kernel_width] = weight.dims();
    let bias = layer.bias.as_ref().map(|bias| bias.val());
    let types_fit = is_covered(images)
        && weight.dtype() == DType::F32
        && bias.is_none_or(|bias| bias.dtype() == DType::F32);
    if !types_fit || layer.groups != 1 || weight_channels != channels_in {
        return None;
    }
    let convolution = Convolution {
        channels: [channels_in, channels_out],
        kernel: [kernel_height, kernel_width],
        stride: layer.stride,
        padding: symmetric_padding(&layer.padding, [kernel_height, kernel_width], layer.stride)?,
        dilation: layer.dilation,
    };
    convolution.output_size([height, width])?;
    Some(convolution)
}

pub(super) fn covered_pool(layer: &MaxPool2d, images: &Tensor<4>) -> Option<MaxPool> {
    let window = layer.kernel_size;
    let is_plain = layer.stride == window
        && layer.dilation == [1; 2]
        && !layer.ceil_mode
        && symmetric_padding(&layer.padding, window, layer.stride) == Some([0; 2]);
    let [_, _, height, width] = images.dims();
    let pool = MaxPool { window };
    pool.output_size([height, width])?;
    (is_plain && is_covered(images)).then_some(pool)
}

fn is_covered(images: &Tensor<4>) -> bool {
    images.dtype() == DType::F32 && images.device().inner() == Device::flex()
}

/// The padding if it is the same on opposite sides, whatever the size of the images.
fn symmetric_padding(
    padding: &PaddingConfig2d,
    kernel: [usize; 2],
    stride: [usize; 2],
) -> Option<[usize; 2]> {
    match padding {
        PaddingConfig2d::Valid => Some([0; 2]),
        PaddingConfig2d::Same => {
            let is_symmetric = stride == [1; 2] && kernel.iter().all(|size| size % 2 == 1);
            is_symmetric.then_some(kernel.map(|size| size / 2))
        }
        PaddingConfig2d::Explicit(top, left, bottom, right) => {
            (top == bottom && left == right).then_some([*top, *left])
        }
    }
}
